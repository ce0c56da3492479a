"""METS 1.12 in the E-ARK CSIP profile: written from templates, read as a stream."""
