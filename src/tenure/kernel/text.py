"""Words in both languages, both originals. It must never translate one from the other."""

from dataclasses import dataclass

LANGUAGES = ("en", "zh-hant")


@dataclass(frozen=True, slots=True)
class Text:
    """One meaning, said twice.

    >>> Text("Action Pack", "行動套件").say("zh-hant")
    '行動套件'
    """

    en: str
    zh_hant: str

    def say(self, language: str) -> str:
        return self.zh_hant if language == "zh-hant" else self.en
