"""From a query to hits: plans, the searcher, filters and facets, and what is offered around them."""
