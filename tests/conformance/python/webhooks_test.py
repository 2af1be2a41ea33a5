"""The verification of docs/INTEGRATORS.md with the deliveries that TypeScript's is tested with."""

import json
from pathlib import Path

from webhooks import verify

deliveries = json.loads(Path("deliveries.json").read_text(encoding="utf-8"))
assert deliveries
for one in deliveries:
    found = verify(one["secret"], one["headers"], one["body"].encode(), one["now"])
    assert found is one["genuine"], one["name"]
print(f"Python: {len(deliveries)} deliveries are verified as they should be")
