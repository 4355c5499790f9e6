"""Raw mail as it is kept: compressed, as cheaply as what is in it allows.

A large mail is nearly always a file in base64 or a picture as it is: looking for repetitions in those takes most of a
second for 25 MB and saves less than coding the letters alone does. Any of the three forms is read back by
`zlib.decompress`. Refuses to know what a mail says.
"""

import zlib

LARGE = 1 << 20  # bytes; smaller mails cost too little to look into
SAMPLE, SAMPLES = 1 << 15, 4
WORTH = 0.95  # of its size: what compresses less is kept as it is


def packed(raw: bytes) -> bytes:
    if len(raw) <= LARGE:
        return zlib.compress(raw, 1)
    sample = b"".join(raw[at : at + SAMPLE] for at in range(0, len(raw), len(raw) // SAMPLES))
    repetitions, letters = len(zlib.compress(sample, 1)), len(_coded(sample))
    if min(repetitions, letters) > WORTH * len(sample):
        return zlib.compress(raw, 0)
    return _coded(raw) if letters * WORTH <= repetitions else zlib.compress(raw, 1)


def _coded(raw: bytes) -> bytes:
    """Letters by their frequency, repetitions not looked for."""
    how = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_HUFFMAN_ONLY)
    return how.compress(raw) + how.flush()
