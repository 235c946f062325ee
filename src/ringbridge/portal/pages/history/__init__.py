"""The calls that are over: search, one call's page, why calls fail, export."""
