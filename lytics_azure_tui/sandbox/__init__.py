"""Loopback stand-ins and sample data, for the demo and for the tests. Nothing of the product needs this room."""
