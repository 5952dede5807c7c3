"""The feed recomputed: every event has one place, objects are numbered without a gap, and what was chosen is owed.

It reads which events a company may see from the table of ``webhooks/rules.py``; all else it works out from the rows.
Read next: ``webhooks/feed.py``.
"""

from collections.abc import Iterator

from tenure.proof.book import Book
from tenure.proof.invariants import Violation, broken
from tenure.webhooks.rules import TEST, TOLD

# An event behind the mark that nobody has given a place will never be read.
PASSED_BY = """
SELECT 'event:' || e.id AS object, e.name FROM plumbing_event e
WHERE e.id <= coalesce((SELECT last FROM plumbing_counter WHERE name = 'feed.through'), 0)
  AND NOT EXISTS (SELECT FROM webhooks_entry f WHERE f.event_id = e.id)
"""

PLACES = """
SELECT 'feed:' || count(*) AS object, count(*) AS places, max(position) AS last,
       (SELECT last FROM plumbing_counter WHERE name = 'feed') AS counted
FROM webhooks_entry HAVING max(position) <> count(*)
    OR count(*) <> coalesce((SELECT last FROM plumbing_counter WHERE name = 'feed'), 0)
"""

NUMBERS = """
SELECT 'event:' || event_id AS object, number, expected, shown_number, shown_expected, told FROM (
  SELECT f.*, e.partner_id IS NOT NULL AND e.name = ANY(%(told)s)
           AND coalesce((e.payload->>'internal')::boolean, false) IS FALSE AS told,
         row_number() OVER (PARTITION BY f.subject ORDER BY f.position) AS expected,
         CASE WHEN f.shown_number IS NOT NULL THEN
           row_number() OVER (PARTITION BY f.partner_id, f.subject, f.shown_number IS NULL ORDER BY f.position)
         END AS shown_expected,
         e.partner_id IS DISTINCT FROM f.partner_id OR e.subject <> f.subject OR e.name <> f.name AS altered
  FROM webhooks_entry f JOIN plumbing_event e ON e.id = f.event_id
) n WHERE number <> expected OR shown_number IS DISTINCT FROM shown_expected
       OR told <> (shown_number IS NOT NULL) OR altered
"""

# Each event on a stretch of the feed for which an endpoint chose it and may see it, against what it is owed.
OWED = """
WITH chosen AS (
  SELECT s.endpoint_id, f.event_id FROM webhooks_selection s JOIN webhooks_endpoint p ON p.id = s.endpoint_id
  JOIN webhooks_entry f ON f.position > s.after AND (s.through IS NULL OR f.position <= s.through)
  WHERE CASE WHEN f.name = %(test)s THEN f.subject = 'webhook:' || s.endpoint_id
        ELSE (p.partner_id IS NULL OR (p.partner_id = f.partner_id AND f.shown_number IS NOT NULL))
         AND (s.types && ARRAY['*', f.name, split_part(f.name, '.', 1) || '.*']::varchar[]) END
)
SELECT 'endpoint:' || coalesce(c.endpoint_id, d.endpoint_id) AS object, coalesce(c.event_id, d.entry_id) AS event,
       c.event_id IS NOT NULL AS chosen, d.id IS NOT NULL AS owed
FROM chosen c FULL JOIN webhooks_delivery d ON d.endpoint_id = c.endpoint_id AND d.entry_id = c.event_id
WHERE c.event_id IS NULL OR d.id IS NULL
"""

SENT = """
SELECT 'delivery:' || d.id AS object, d.state, d.answer, count(s.id) AS sendings FROM webhooks_delivery d
LEFT JOIN webhooks_sending s ON s.delivery_id = d.id
WHERE d.state = 'delivered' GROUP BY d.id HAVING NOT bool_or(coalesce(s.answer BETWEEN 200 AND 299, false))
"""


def published(book: Book) -> Iterator[Violation]:
    """No event is passed by, no number is missing, and each chosen event has exactly one delivery."""
    yield from broken(PASSED_BY)
    yield from broken(PLACES)
    yield from broken(NUMBERS, {"told": list(TOLD)})
    yield from broken(OWED, {"test": TEST})
    yield from broken(SENT)
