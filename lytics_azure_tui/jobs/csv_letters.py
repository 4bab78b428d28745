"""How likely text in an encoding is: by the letters of its languages, and by what stands inside its words.

Single-byte encodings cannot be told apart by what is valid, as nearly everything is. Read in the wrong one, a name gets
letters that its language does not have (Dvořák as Dvoøák), signs inside words (Michał as Micha³) or capitals behind
small letters (КОШКА as йнЬйЮ), and that is counted here.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache

WESTERN = "cp1252"

_WESTERN = {
    "French": "éèêçàëîïôâûùüœæÿ",
    "German": "üöäßé",
    "Spanish": "áóíéñúüºª",
    "Portuguese": "éãçáíóúâõêôàº",
    "Italian": "òàèéùìóî",
    "Danish or Norwegian": "øæåéöäü",
    "Swedish or Finnish": "öäåéü",
    "Dutch": "ëéïöüèê",
    "Icelandic": "óíðöáþúýæé",
    "Estonian": "äüõšžö",
    "Catalan": "àèéòíóúçïü",
}
_CENTRAL = {
    "Polish": "łóśńżęąźć",
    "Czech": "áíščřěžýéůúňťďóüö",
    "Slovak": "ášíčéľžýúňďťóôäĺŕ",
    "Hungarian": "áéóöőíüúű",
    "Romanian": "ăţşâî",
    "Croatian or Slovene": "ćščžđ",
}
_JAPANESE = "田子山木藤本村井中川佐美小原野高松一伊加石渡辺橋太郎三島上林清斎東京都市区町県様の"
_CHINESE = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾市省区路号县州城海江南建国华小玉明红文丽秀英"
)
_TRADITIONAL = "陳林黃張李王吳劉蔡楊許鄭謝洪郭邱曾廖賴徐周葉蘇莊呂江何蕭羅高市區路街號樓縣鄉北中美雅淑惠怡志明文家"
_KOREAN = (
    "이김박정영지수은현최성민경상준서희진강윤미조숙한장호자순신시도오동명임재철"
    "구선기전안권예송병춘유우홍훈인옥길중황원종남주양문아고식"
)
_RUSSIAN = "аовинерсклтмдгчуьпябфхйзышжюцэщёъ"

# The most frequent letters first; of thousands of characters, those of many names.
_LANGUAGES: dict[str, dict[str, str]] = {
    WESTERN: _WESTERN,
    "cp932": {
        "Japanese": _JAPANESE,
        "Japanese in half width": "ﾝﾞｼｲｶﾀｻｺｳｸﾏｷﾄﾐﾔﾅﾘﾉﾕﾖﾋﾂﾊｹﾑﾛｱﾁﾜﾗﾓﾌﾆｵｴﾙﾍﾎﾚｾｿﾈﾇﾒﾃﾟｰｬｭｮｯ･",
    },
    "euc_jp": {"Japanese": _JAPANESE},
    "gb18030": {"Chinese": _CHINESE},
    "cp950": {"traditional Chinese": _TRADITIONAL},
    "cp949": {"Korean": _KOREAN},
    "cp1250": _CENTRAL,
    "iso8859-2": _CENTRAL,
    "cp1254": {"Turkish": "üçışöği̇âîû"},
    "cp1257": {"Lithuanian": "ėšžūčęąįų", "Latvian": "ņīšāēūģķļžč"},
    "cp1251": {
        "Russian": _RUSSIAN,
        "Ukrainian": "аоенсрліквитмуьдхбпячгщйзшцюжєфїґ",
        "Bulgarian": "аовинркелдтсгмпучябжцъзшхйфющь",
        "Serbian or Macedonian": "аиовнерстјдкмлвћчпуђшжгзбњљџцхфѓќѕ",
    },
    "koi8_r": {"Russian": _RUSSIAN},
    "cp866": {"Russian": _RUSSIAN},
    "cp1253": {"Greek": "αορλνςκιτσηάευμπίδγόβέύήθφχωζώξψϊϋΐΰ"},
    "cp1255": {"Hebrew": "יורהאלמבדנןעשתחגספםכקטזצץףך"},
    "cp1256": {"Arabic": "الينردموسبعفةتهجحكشقأصخآضطذزغءىظئثؤإّ", "Persian": "اینردمهسبگتشزفکخعقپلجحوآصغطژچ"},
    "cp874": {"Thai": "รานัิุยมสก์ีเองทพลตวชดธคะศปหณบ่ญภ้จษแถขูำฐโ็ไึฉซฒฎฏฑฝฟผฬใๆ"},
    "mac_roman": _WESTERN,
    "cp850": _WESTERN,
}
ENCODINGS = tuple(_LANGUAGES)
ASIAN = frozenset(("cp932", "euc_jp", "gb18030", "cp950", "cp949"))

# Natural logarithms of how likely a character is.
_NO_TEXT, _FOREIGN, _INSIDE, _CAPITAL, _MIXED, _RARE, _USUAL, _SIGN = -14.0, -9.0, -8.0, -5.0, -6.0, -11.0, -7.0, -2.0

_WORD = re.compile(r"[^\x00-@\[-`{-\x7f]+")
_JOINING = frozenset("’‘´·–\xad")
_PUNCTUATION = frozenset("€£§°©®™“”„‘’‚«»‹›–—…•·¿¡½¼¾´\xa0\xad")


def likelihood(text: str, encoding: str) -> tuple[float, str]:
    """(the logarithm of how likely a text is that was read in an encoding, the language of most of its words).

    Words of ASCII count for nothing, so that the same bytes read in several encodings can be compared.
    """
    languages = _tables(encoding)
    total = 0.0
    best: Counter[str] = Counter()
    # A word that comes again is no further evidence.
    for word in dict.fromkeys(word for word in _WORD.findall(text) if not word.isascii()):
        lowered = word.lower()
        language = max(languages, key=lambda name: languages[name](lowered))
        total += languages[language](lowered) + _shape(word)
        best[language] += 1
    return total, best.most_common(1)[0][0] if best else ""


def _shape(word: str) -> float:
    """What speaks against a word, whatever its language."""
    cost = 0.0
    last = len(word) - 1
    for at, char in enumerate(word):
        if char < "\x80":
            continue
        before, behind = word[at - 1 : at], word[at + 1 : at + 2]
        if _ideograph(char):
            cost += _MIXED * (before.isascii() + behind.isascii() - (at == 0) - (at == last)) / 2
        elif char.isalpha():
            cost += _CAPITAL if char.isupper() and before.islower() else 0
        elif char == "\ufffd" or unicodedata.category(char) in {"Cc", "Co", "Cn"}:
            cost += _NO_TEXT
        elif unicodedata.category(char)[0] != "M":
            inside = before.isalpha() and behind.isalpha()
            if char in _JOINING or (char in _PUNCTUATION and not inside):
                cost += _SIGN
            else:
                cost += _INSIDE if inside else _INSIDE / 2
    return cost


def _ideograph(char: str) -> bool:
    return "\u3040" <= char <= "\ud7ff"


@cache
def _tables(encoding: str) -> Mapping[str, Callable[[str], float]]:
    return {name: _scorer(letters, _others(encoding)) for name, letters in _LANGUAGES[encoding].items()}


def _scorer(letters: str, other: Callable[[str], float]) -> Callable[[str], float]:
    """Gives the logarithm of how likely the letters of a word are, by their rank in a language."""
    scale = max(1.5, len(letters) / 4)
    whole = sum(math.exp(-rank / scale) for rank in range(len(letters)))
    # Of thousands of characters, those that are listed make up about a half.
    share = math.log(0.5 if any(map(_ideograph, letters)) else 1)
    table = {letter: -rank / scale - math.log(whole) + share for rank, letter in enumerate(letters)}

    def score(word: str) -> float:
        total = 0.0
        for char in word:
            if char >= "\x80":
                if char not in table:
                    table[char] = other(char)
                total += table[char]
        return total

    return score


def _others(encoding: str) -> Callable[[str], float]:
    """How likely a letter is that is not among the listed ones of a language."""
    if encoding not in ASIAN:
        return lambda char: _FOREIGN if char.isalpha() or unicodedata.category(char)[0] == "M" else 0
    # The first of two levels of a national standard holds the characters of daily use.
    standard, last = {
        "cp932": ("euc_jp", 0xCF), "euc_jp": ("euc_jp", 0xCF), "gb18030": ("gb2312", 0xD7),
        "cp950": ("big5", 0xC6), "cp949": ("euc_kr", 0xC8),
    }[encoding]  # fmt: skip

    def other(char: str) -> float:
        try:
            first = char.encode(standard)[0]
        except UnicodeEncodeError:
            return _RARE if char.isalpha() else 0
        if not char.isalpha():
            return 0
        kana = "\u3040" <= char <= "\u30ff"
        if kana:
            return _USUAL / 2 if standard == "euc_jp" else _RARE
        return _USUAL if first <= last else _FOREIGN

    return other
