"""A whole year of a city in minutes: the product's own functions on a clock that is put."""
