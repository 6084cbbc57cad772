"""Publishes readings of a sensor: every subscriber, in any language, gets every one of them.

    python topic_publisher.py [TOPIC [COUNT]]
"""

import sys
import time

from topic_subscriber import Reading

import crosspage


def main(topic: str = "readings", count: str = "50") -> None:
    with crosspage.topic.publisher(topic, Reading) as publisher:
        publisher.wait_subscribers(1)
        for counter in range(1, int(count) + 1):
            publisher.publish(counter=counter, temperature=23.5, sensor="kitchen")
            time.sleep(0.1)
    print(f"published {count}")  # what it has published stays for who is attached


if __name__ == "__main__":
    main(*sys.argv[1:])
