"""Recommendations from a release."""

from sidflow.recommender.filters import Filters
from sidflow.recommender.load import load_recommender
from sidflow.recommender.lookup import check_k
from sidflow.recommender.recommend import Recommender
from sidflow.recommender.results import RankedUsers, Recommendation

__all__ = ["Filters", "RankedUsers", "Recommendation", "Recommender", "check_k", "load_recommender"]
