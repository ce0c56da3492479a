"""Technical metadata (技术元数据): what a file says of itself, as PREMIS carries it."""

from packages_spec.technical.document import NAMESPACE, VERSION, read_technical, schema, technical_xml
from packages_spec.technical.values import Part, Property, Technical

__all__ = ["NAMESPACE", "VERSION", "Part", "Property", "Technical", "read_technical", "schema", "technical_xml"]
