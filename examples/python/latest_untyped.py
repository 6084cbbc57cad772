"""Follows any page, in whatever language its writer is, and knows nothing of its struct.

    python latest_untyped.py PAGE
"""

import asyncio
import sys

import crosspage


async def main(page: str) -> None:
    with crosspage.latest.open(page, timeout=None) as reader:
        async for record in reader:
            print(crosspage.meta(record).version, record)


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        pass
