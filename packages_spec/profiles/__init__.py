"""Packages put together: what a SIP, an AIP and a DIP hold, and in which places."""
