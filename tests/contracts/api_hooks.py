"""What the tester of the API's document has to know that no document says: which key opens which house.

Loaded by the tester's own process; the keys and the place of the tally come through the environment.
"""

import json
import os
import uuid
from pathlib import Path

import schemathesis

PARTNER, OFFICE = os.environ["API_PARTNER_KEY"], os.environ["API_OFFICE_KEY"]
TALLY = Path(os.environ["API_TALLY"])


# Asked anew for every request: what is remembered would open the wrong house.
@schemathesis.auth(refresh_interval=None)
class Keys:
    def get(self, case, context):
        return OFFICE if case.operation.path.startswith("/api/v1/office/") else PARTNER

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(context, case, kwargs):
    """No two requests carry one idempotency key: what a key used twice means has tests of its own."""
    if case.headers and "Idempotency-Key" in case.headers and case.meta.generation.mode.is_positive:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())


@schemathesis.hook
def after_call(context, case, response):
    """Note which operations have done what they are for."""
    told = {"id": case.operation.definition.raw["operationId"], "status": response.status_code}
    with TALLY.open("a") as file:
        file.write(json.dumps(told) + "\n")
