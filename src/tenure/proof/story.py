"""The stories of the demonstration: who works in the office, and which firms the programme has on its today.

Every firm, person and number is invented. Together they stand in every state a partner can be in on 23 June 2019.
It must never hold code. Read next: ``proof/story_english.py`` and ``proof/story_chinese.py``.
"""

from tenure.proof.cast import Person
from tenure.proof.story_chinese import FIRMS as CHINESE
from tenure.proof.story_english import FIRMS as ENGLISH

BEGINS = "2016-05-30T02:00:00"
ENDS = "2019-06-23 09:30"

STAFF = (
    Person("Ingrid Solberg", "ingrid@aurora.example", ("operator",)),
    Person("林冠廷", "guanting@aurora.example", ("operator",), "zh-hant"),
    Person("Petra Novak", "petra@aurora.example", ("verification_officer",)),
    Person("李佳穎", "jiaying@aurora.example", ("finance",), "zh-hant"),
    Person("Fiona Marsh", "fiona@aurora.example", ("finance",)),
    Person("Tom Okafor", "tom@aurora.example", ("support_agent",)),
    Person("張雅婷", "yating@aurora.example", ("support_agent",), "zh-hant"),
    Person("Daniel Weiss", "daniel@aurora.example", ("auditor",)),
    Person("吳承翰", "chenghan@aurora.example", ("administrator",), "zh-hant"),
)

FIRMS = ENGLISH + CHINESE
