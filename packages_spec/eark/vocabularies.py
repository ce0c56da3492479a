"""The controlled lists of E-ARK CSIP and SIP (DILCIS Board, versions 2.0.4 to 2.2.0) and of METS 1.12."""

CONTENT_CATEGORIES = frozenset(
    {
        "Textual works \u2013 Print",
        "Textual works \u2013 Digital",
        "Textual works \u2013 Electronic Serials",
        "Digital Musical Composition (score-based representations)",
        "Photographs \u2013 Print",
        "Photographs \u2013 Digital",
        "Other Graphic Images \u2013 Print",
        "Other Graphic Images \u2013 Digital",
        "Microforms",
        "Audio \u2013 On Tangible Medium (digital or analog)",
        "Audio \u2013 Media-independent (digital)",
        "Motion Pictures \u2013 Digital and Physical Media",
        "Video \u2013 File-based and Physical Media",
        "Software",
        "Datasets",
        "Geospatial Data",
        "Databases",
        "Websites",
        "Collection",
        "Event",
        "Interactive resource",
        "Physical object",
        "Service",
        "Mixed",
        "Other",
    }
)
"""mets/@TYPE. The text of the specification also writes `OTHER`; both are taken, and hyphens for dashes."""

CONTENT_TYPES = frozenset(
    {
        "ERMS",
        "SIARD1",
        "SIARD2",
        "SIARDDK",
        "GeoData",
        "citsarchival_v1_0",
        "citcarchival_v1_0",
        "citscarchival_v1_0",
        "citserms_v2_1",
        "citspremis_v1_0",
        "citsehpj_v1_0",
        "citsehcr_v1_0",
        "citssiard_v1_0",
        "citsgeospatial_v3_0",
        "MIXED",
        "OTHER",
    }
)
"""csip:CONTENTINFORMATIONTYPE; `citsarchival` is spelled in three ways in what the Board has published."""

CONTENT_SPECIFICATION = "cits"
"""How the names of later content information type specifications begin (`citsehcr_v1_1`, ...)."""

PACKAGE_TYPES = frozenset({"SIP", "AIP", "DIP", "AIU", "AIC"})
STATUSES = frozenset({"SUPERSEDED", "CURRENT"})
USES = ("Documentation", "Schemas", "Representations", "Metadata")
RECORD_STATUSES = frozenset({"NEW", "SUPPLEMENT", "REPLEACEMENT", "REPLACEMENT", "TEST", "VERSION", "DELETE", "OTHER"})
"""metsHdr/@RECORDSTATUS; the published list misspells REPLACEMENT, and both are taken."""

METADATA_TYPES = frozenset(
    {
        "MARC",
        "MODS",
        "EAD",
        "DC",
        "NISOIMG",
        "LC-AV",
        "VRA",
        "TEIHDR",
        "DDI",
        "FGDC",
        "LOM",
        "PREMIS",
        "PREMIS:OBJECT",
        "PREMIS:AGENT",
        "PREMIS:RIGHTS",
        "PREMIS:EVENT",
        "TEXTMD",
        "METSRIGHTS",
        "ISO 19115:2003 NAP",
        "EAC-CPF",
        "LIDO",
        "OTHER",
    }
)
CHECKSUM_TYPES = frozenset(
    {
        "Adler-32",
        "CRC32",
        "HAVAL",
        "MD5",
        "MNP",
        "SHA-1",
        "SHA-256",
        "SHA-384",
        "SHA-512",
        "TIGER",
        "WHIRLPOOL",
    }
)
