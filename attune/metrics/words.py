"""What a word is, as patterns: between spaces or marks or, in scripts without spaces, each character."""

import re

# Scripts without spaces between words: Japanese kana and the ideographs of Chinese and Japanese.
IDEOGRAPHS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
# An ideograph, or a run of other letters, digits and underscores: `\w+` wherever there are no ideographs.
WORD = rf"(?=\w)[{IDEOGRAPHS}]|[^\W{IDEOGRAPHS}]+"
# An ideograph, or a run of anything else between spaces: what `str.split` gives wherever there are no ideographs.
SPACED = re.compile(rf"[{IDEOGRAPHS}]|[^\s{IDEOGRAPHS}]+")
