"""What is audio or video, by the name of a file or by its first bytes."""

from pathlib import Path

#: Besides what libsndfile reads; in lower case and without the dot.
MEDIA_EXTENSIONS = frozenset(
    (
        *("3g2", "3ga", "3gp", "aac", "ac3", "adts", "alac", "amr", "ape", "asf", "avi", "awb"),
        *("dss", "dts", "eac3", "f4v", "flv", "gsm", "m2ts", "m4a", "m4b", "m4p", "m4v", "mka"),
        *("mkv", "mov", "mp1", "mp2", "mp4", "mpa", "mpc", "mpeg", "mpg", "mts", "mxf", "ogv"),
        *("qcp", "ra", "rm", "rmvb", "shn", "spx", "tak", "tta", "vob", "weba", "webm", "wma"),
        *("wmv", "wv"),
    )
)
_N_BYTES = 377
# Pictures in the container of MP4.
_PICTURE_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis")
_STARTS = (
    *(b"fLaC", b"OggS", b"ID3", b".snd", b"caff", b"#!AMR", b"FLV\x01", b".RMF", b"MAC "),
    *(b"wvpk", b"TTA1", b"MPCK", b"MP+", b"NIST_1A", b"Creative Voice File"),
    # Matroska and WebM; ASF, of which are WMA and WMV; MPEG.
    *(b"\x1a\x45\xdf\xa3", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b"\x00\x00\x01\xba"),
)
_FORMS = {
    b"RIFF": (b"WAVE", b"AVI "),
    b"RIFX": (b"WAVE",),
    b"RF64": (b"WAVE",),
    b"FORM": (b"AIFF", b"AIFC", b"8SVX"),
}


def is_media(path: Path) -> bool:
    """Return whether a file is audio or video by its name or, failing that, its first bytes."""
    if path.suffix[1:].lower() in MEDIA_EXTENSIONS:
        return True
    try:
        with path.open("rb") as file:
            return _starts_as_media(file.read(_N_BYTES))
    except OSError:
        return False


def _starts_as_media(start: bytes) -> bool:
    if start.startswith(_STARTS) or start[8:12] in _FORMS.get(start[:4], ()):
        return True
    if start[4:8] == b"ftyp":
        return start[8:12] not in _PICTURE_BRANDS
    # Packets of an MPEG transport stream, each with its sync byte.
    if len(start) == _N_BYTES and start[0] == start[188] == start[376] == 0x47:
        return True
    return len(start) >= 3 and start[0] == 0xFF and _is_mpeg_audio(start[1], start[2])


def _is_mpeg_audio(second: int, third: int) -> bool:
    """Return whether a frame of MP3 (ISO 11172-3) or AAC (ADTS, ISO 13818-7) has such a header."""
    if second & 0xF6 == 0xF0:
        return (third >> 2) & 0xF <= 12
    layer, bit_rate, rate = (second >> 1) & 3, third >> 4, (third >> 2) & 3
    return second & 0xE0 == 0xE0 and layer != 0 and 0 < bit_rate < 15 and rate != 3
