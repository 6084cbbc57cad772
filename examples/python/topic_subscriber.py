"""Shows the readings that are published, by whatever program, in whatever language. Start it before or
after the publisher.

    python topic_subscriber.py [TOPIC [COUNT]]
"""

import sys

import crosspage


class Reading(crosspage.Struct):
    counter: crosspage.u64
    temperature: float = crosspage.field(crosspage.f64, unit="°C")
    sensor: str = crosspage.text(16)


def main(topic: str = "readings", count: str = "50") -> None:
    with crosspage.topic.subscriber(topic, Reading) as subscriber:
        print(f"waiting for a publisher of {topic}", flush=True)
        received = 0
        while received < int(count):
            try:
                reading = subscriber.recv(timeout=1)  # `for reading in subscriber:` waits for ever
            except TimeoutError:
                if received > 0 and subscriber.publishers == 0:
                    break  # there was a publisher, and it has ended
                continue
            received += 1
            print(f"{reading.counter} {reading.sensor} {reading.temperature} °C", flush=True)
        print(f"lost {subscriber.lost}")


if __name__ == "__main__":
    main(*sys.argv[1:])
