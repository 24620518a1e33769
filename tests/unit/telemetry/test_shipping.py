"""A shipper takes at once, sends in batches on its thread, and counts what it could not send."""

from __future__ import annotations

import threading
import time

from llm_research_lab.telemetry.shipping import BATCH, Shipper


class Receiver:
    def __init__(self, lost=0, broken=False):
        self.batches = []
        self.gone = 0
        self.answer = lost
        self.broken = broken
        self.gate = threading.Event()
        self.gate.set()

    def send(self, spans):
        self.gate.wait()
        if self.broken:
            raise OSError("no room")
        self.batches.append(list(spans))
        return self.answer

    def lost(self, spans):
        self.gone += spans

    def shipper(self, **settings):
        return Shipper("test", self.send, self.lost, linger_seconds=0.0, **settings)


def test_all_that_is_put_is_sent_in_order_before_the_close_ends():
    receiver = Receiver()
    shipper = receiver.shipper()
    for number in range(3 * BATCH):
        shipper.put([number])
    shipper.close()
    assert [one for batch in receiver.batches for one in batch] == list(range(3 * BATCH))
    assert max(map(len, receiver.batches)) <= BATCH
    assert receiver.gone == 0


def test_what_is_over_the_bound_is_lost_and_counted():
    receiver = Receiver()
    receiver.gate.clear()
    shipper = receiver.shipper(queue_most=10)
    shipper.put([0])
    time.sleep(0.05)  # the thread has taken it, and waits
    shipper.put(range(8))
    shipper.put(range(5))
    receiver.gate.set()
    shipper.close()
    assert receiver.gone == 3
    assert sum(map(len, receiver.batches)) == 11


def test_a_broken_receiver_costs_its_spans_and_not_the_thread():
    receiver = Receiver(broken=True)
    shipper = receiver.shipper()
    shipper.put([1, 2])
    time.sleep(0.05)
    receiver.broken = False
    shipper.put([3])
    shipper.close()
    assert receiver.gone == 2
    assert receiver.batches == [[3]]


def test_what_the_receiver_did_not_take_is_counted():
    receiver = Receiver(lost=2)
    shipper = receiver.shipper()
    shipper.put([1, 2, 3])
    shipper.close()
    assert receiver.gone == 2


def test_after_the_close_all_is_lost_and_a_second_close_does_nothing():
    receiver = Receiver()
    shipper = receiver.shipper()
    shipper.close()
    shipper.put([1])
    shipper.close()
    assert (receiver.gone, receiver.batches) == (1, [])


def test_a_receiver_that_hangs_does_not_hold_up_the_close():
    receiver = Receiver()
    receiver.gate.clear()
    shipper = receiver.shipper(closing_seconds=0.05)
    shipper.put([1])
    time.sleep(0.02)
    shipper.put([2])
    began = time.monotonic()
    shipper.close()
    assert time.monotonic() - began < 10  # the gate never opens
    receiver.gate.set()
    assert receiver.gone == 1


def test_idle_is_called_while_nothing_comes():
    called = threading.Event()
    receiver = Receiver()
    shipper = receiver.shipper(idle=called.set, idle_seconds=0.01)
    assert called.wait(5)
    shipper.close()
