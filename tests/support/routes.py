"""How tests name the rows of a route table."""

from holdfast.store.route import Route


def name_of(route: Route) -> str:
    """Return a route's operation and pattern, which is the same in every process that collects the tests."""
    return f"{route.operation} {route.pattern}"
