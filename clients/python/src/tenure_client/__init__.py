"""A typed client for the REST API of Tenure."""

from tenure_client.client import Client
from tenure_client.office import Office
from tenure_client.transport import Problem, Unreachable

__all__ = ["Client", "Office", "Problem", "Unreachable"]
