"""One module per OAIS verb; a use case is one function of numbered steps."""
