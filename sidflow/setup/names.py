"""What columns are usually called: a hint beside their content, never more."""

import re

_ENDINGS = ("id", "ids", "no", "nr", "num", "number", "code", "key", "uuid", "guid", "hash", "ref")
_WORDS: dict[str, str] = {
    "user": "user uid customer client cust member visitor reviewer buyer account person shopper subscriber viewer "
    "listener reader player profile consumer guest patron learner student nutzer kunde kundin benutzer mitglied "
    "utilisateur cliente usuario utente",
    "item": "item iid product prod sku asin article movie film track song book isbn content video game ean upc gtin "
    "listing offer show episode artist recipe course poi venue business news post artikel produkt ware objet produit "
    "producto articulo prodotto",
    "timestamp": "timestamp time ts at date datetime when created epoch occurred unixtime unixreviewtime reviewtime "
    "eventtime createdat dt moment zeit datum zeitpunkt zeitstempel wann heure fecha hora data",
    "event": "event action behavior behaviour interaction activity verb type eventtype eventname kind aktion ereignis "
    "evenement evento accion",
    "weight": "rating rate score stars star weight overall qty quantity count plays playcount preference watch dwell "
    "duration percent progress bewertung note sterne menge valoracion",
    "order_by": "position pos seq sequence step index idx ordinal order rank offset line row reihenfolge rang",
    "title": "title name headline label caption heading productname itemname producttitle movietitle titel "
    "bezeichnung produktname titre nom nombre titulo titolo nome",
    "text": "brand category categories genre genres description desc text summary subtitle tags tag keywords author "
    "authors artist director manufacturer maker department section topic feature features plot color colour material "
    "style marke kategorie gattung beschreibung hersteller autor marque categorie marca categoria",
    "available_from": "availablefrom releasedate released release launched launch launchdate publishdate published "
    "publicationdate publishedat onsale onlinesince validfrom startdate firstseen listedat addedat dateadded "
    "introduced verfuegbarab erschienen sortie",
    "available": "available isavailable active isactive instock enabled live orderable sellable buyable verfuegbar "
    "lieferbar aktiv disponible",
}
NAMES = {role: frozenset(words.split()) for role, words in _WORDS.items()}
_EVENTS = (
    "view views viewed click clicks impression buy purchase purchased order cart addtocart add_to_cart add-to-cart "
    "wishlist like favorite favourite bookmark play skip pause watch listen read share rate rating transaction "
    "checkout search"
)
EVENTS = frozenset(_EVENTS.split())
"""What event types are usually called."""
_UNWANTED = re.compile(r"^(un|dis)[a-z]|remove|delete|dislike|skip|cancel|return|refund|impression|error|logout|hide")


def likely_wanted(event: str) -> bool:
    """Whether an event type may say that a user wanted an item, rather than took a step back from it."""
    return _UNWANTED.search(event.lower()) is None


def likeness(name: str, role: str) -> float:
    """How much a column's name speaks for a role: 1 it is such a name, 0.5 one of its words is, 0 nothing."""
    words = [each.lower() for each in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_]+", name)]
    joined, known = "".join(words), NAMES[role]
    stems = {joined, *(joined.removesuffix(ending) for ending in _ENDINGS)}
    bare = {each for each in words if each not in _ENDINGS}
    if stems & known or (len(bare) == 1 and bare <= known):
        return 1.0
    return 0.5 if bare & known else 0.0
