"""Looks at the frames that `camera`, in C++, publishes: numpy arrays of 6 MB, which nobody copies.

    ./camera & python camera_viewer.py [COUNT]
"""

import sys

import numpy

import crosspage


def main(count: str = "100") -> None:
    with crosspage.topic.subscriber("camera", numpy.ndarray) as camera:
        print("waiting for frames", flush=True)
        for seen, frame in enumerate(camera, 1):
            # The array looks at the camera's own memory, and keeps it as it is for as long as it lives.
            height, width, _ = frame.shape
            number = crosspage.meta(frame).sequence
            print(f"frame {number}: {width} x {height}, mean {frame.mean():.2f}, {camera.lost} missed", flush=True)
            if seen == int(count):
                break


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        pass
