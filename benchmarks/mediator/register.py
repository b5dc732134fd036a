"""Registers the echo service, a portal and its right to call it.

python -m benchmarks.mediator.register --base http://127.0.0.1:8080 --token "$ADMIN" --service http://127.0.0.1:20080
"""

from __future__ import annotations

import argparse

import httpx

MEMBERS = "/mediator/v1/members/ZZ/GOV"
SERVICE = f"{MEMBERS}/office/applications/registry/services/echo"

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="http://127.0.0.1:8080")
    parser.add_argument("--token", required=True)
    parser.add_argument("--service", required=True)
    given = parser.parse_args()
    with httpx.Client(base_url=given.base, headers={"Authorization": f"Bearer {given.token}"}) as client:
        for path, body in (
            (f"{MEMBERS}/office", {"name": "Office"}),
            (f"{MEMBERS}/office/applications/registry", {"name": "Registry"}),
            (f"{MEMBERS}/agency", {"name": "Agency"}),
            (f"{MEMBERS}/agency/applications/portal", {"name": "Portal"}),
            (
                SERVICE,
                {
                    "baseUrl": given.service,
                    "endpoints": [{"method": "*", "path": "/**"}],
                    "allowPrivateHost": True,
                },
            ),
            (f"{SERVICE}/rights/ZZ/GOV/agency/portal", {}),
        ):
            client.put(path, json=body).raise_for_status()
