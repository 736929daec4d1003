"""What a word is, as patterns: between spaces or marks or, in scripts without spaces, each character."""

import re

from attune.core.text import IDEOGRAPHS, KANA

_UNSPACED = f"{KANA}{IDEOGRAPHS}"
# An ideograph or kana, or a run of other letters, digits and underscores: `\w+` wherever there are none of them.
WORD = rf"(?=\w)[{_UNSPACED}]|[^\W{_UNSPACED}]+"
# An ideograph or kana, or a run of anything else between spaces: what `str.split` gives wherever there are none.
SPACED = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")
