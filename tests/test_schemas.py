"""One place for all schemas."""

from sidflow import schemas


def test_times_are_utc_microseconds():
    """Everywhere."""
    assert str(schemas.TIME) == "timestamp[us, tz=UTC]"
    assert schemas.INTERACTIONS.field("timestamp").type == schemas.TIME


def test_embeddings_know_their_dimensions():
    """A fixed-size list, so that the file maps back as a matrix."""
    assert schemas.embeddings_schema(7).field("vector").type.list_size == 7
