"""Media types (媒体类型): whether a name can be one, and whether it is one that IANA's registry is known to hold.

The registry has thousands of names and grows by the week; here stand those that archives meet. A name outside this
list and outside the trees in which anybody may register (`vnd.`, `prs.`) is not refused: it cannot be judged here.
"""

import mimetypes
import re
from enum import Enum
from functools import cache, lru_cache

LONGEST = 255
"""RFC 6838 4.2 bounds a type and a subtype by 127 characters each."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}")
_TOP = {
    "application",
    "audio",
    "font",
    "haptics",
    "image",
    "message",
    "model",
    "multipart",
    "text",
    "video",
}
_FURTHER = """
application/activity+json application/alto+xml application/atom+xml application/cbor application/cdmi-object
application/dicom application/dicom+json application/dicom+xml application/ecmascript application/emma+xml
application/epub+zip application/fdf application/fits application/font-woff application/geo+json
application/geopackage+sqlite3 application/geoxacml+xml application/gml+xml application/gzip application/http
application/inkml+xml application/ipfix application/jpm application/json application/json-patch+json
application/ld+json application/lgr+xml application/link-format application/mads+xml application/marc
application/marcxml+xml application/mathematica application/mathml+xml application/mbox application/mets+xml
application/mods+xml application/mp4 application/msword application/mxf application/n-quads application/n-triples
application/node application/octet-stream application/oda application/ogg application/onenote application/owl+xml
application/oxps application/p21 application/p21+zip application/parquet application/pdf application/pgp-encrypted
application/pgp-keys application/pgp-signature application/pkcs10 application/pkcs12 application/pkcs7-mime
application/pkcs7-signature application/pkcs8 application/pkix-cert application/postscript application/problem+json
application/problem+xml application/provenance+xml application/rdf+xml application/relax-ng-compact-syntax
application/rtf application/sarif+json application/schema+json application/senml+json application/sgml
application/slate application/smil application/smil+xml application/sparql-query application/sparql-results+xml
application/sql application/srgs+xml application/sru+xml application/tei+xml application/tga
application/timestamp-query application/timestamp-reply application/ttml+xml application/vcard+json
application/voicexml+xml application/warc application/wasm application/widget application/wordperfect5.1
application/x-www-form-urlencoded application/xhtml+xml application/xml application/xml-dtd
application/xml-external-parsed-entity application/xml-patch+xml application/xop+xml application/xslt+xml
application/yaml application/yang application/zip application/zlib application/zstd
audio/aac audio/ac3 audio/aiff audio/AMR audio/AMR-WB audio/basic audio/flac audio/L16 audio/L24 audio/matroska
audio/midi audio/mp4 audio/mpeg audio/ogg audio/opus audio/vorbis audio/wav
font/collection font/otf font/sfnt font/ttf font/woff font/woff2
image/aces image/apng image/avif image/bmp image/cgm image/dicom-rle image/emf image/fits image/g3fax image/gif
image/heic image/heif image/ief image/jls image/jp2 image/jpeg image/jph image/jphc image/jpm image/jpx image/jxl
image/jxr image/ktx image/naplps image/png image/svg+xml image/t38 image/tiff image/tiff-fx image/webp image/wmf
message/delivery-status message/disposition-notification message/global message/http message/partial message/rfc822
model/3mf model/e57 model/gltf+json model/gltf-binary model/iges model/JT model/mesh model/mtl model/obj model/prc
model/step model/step+xml model/stl model/u3d model/vrml model/x3d+xml model/x3d-vrml
multipart/alternative multipart/byteranges multipart/digest multipart/encrypted multipart/form-data multipart/mixed
multipart/related multipart/report multipart/signed
text/calendar text/css text/csv text/csv-schema text/dns text/enriched text/html text/javascript text/jcr-cnd
text/markdown text/mizar text/n3 text/parameters text/plain text/provenance-notation text/richtext text/rtf text/rtx
text/sgml text/tab-separated-values text/troff text/turtle text/uri-list text/vcard text/vtt text/xml
text/xml-external-parsed-entity
video/3gpp video/3gpp2 video/AV1 video/DV video/FFV1 video/H263 video/H264 video/H265 video/jpeg2000 video/matroska
video/mj2 video/mp4 video/mpeg video/MPV video/ogg video/quicktime video/raw video/VP8 video/VP9
"""


class Standing(Enum):
    """What can be said of a name: registered, impossible, private by its own spelling, or unknown here."""

    REGISTERED = "registered"
    IMPOSSIBLE = "impossible"
    PRIVATE = "private"
    UNKNOWN = "unknown"


@lru_cache(maxsize=512)
def standing(name: str) -> Standing:
    """How a media type, without its parameters, stands to IANA's registry."""
    essence = name.partition(";")[0].strip()
    top, _, sub = essence.lower().partition("/")
    if not _NAME.fullmatch(essence) or top not in _TOP:
        return Standing.IMPOSSIBLE
    if essence.lower() in _registered() or sub.startswith(("vnd.", "prs.")):
        return Standing.REGISTERED
    return Standing.PRIVATE if sub.startswith("x-") else Standing.UNKNOWN


@cache
def _registered() -> set[str]:
    """The names above and those of the standard library, without its unregistered `x-` names."""
    library = {name for name in mimetypes.MimeTypes(filenames=()).types_map[True].values() if "/x-" not in name}
    return {name.lower() for name in library.union(_FURTHER.split())}
