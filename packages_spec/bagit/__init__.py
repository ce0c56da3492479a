"""BagIt 1.0 (RFC 8493): bags written as streams and judged by the standard."""
