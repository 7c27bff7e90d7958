"""One module a noun of the Distribution specification."""
