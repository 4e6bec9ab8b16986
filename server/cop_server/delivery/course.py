"""The course of one subscription: portion after portion, each from the place that the last one reached.

Nothing is queued. Before each request the lease is begun anew, the permission asked about, and the events read as they
are then. The place is kept when the target has them, so each comes at least once; one request follows the other, and a
feature is always told in its newest state, so an older one never comes after a newer one.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace

from cop.errors import CopError, Refused, StoreTrouble
from cop.query.delta import Place
from cop.settings import Settings, get_settings
from cop.visible import VisibleSet
from cop_server.delivery.book import Lease
from cop_server.delivery.mqtt import MOST_PUBLISHED
from cop_server.delivery.notes import note_sent
from cop_server.delivery.outcome import DELIVERED, Event, Outcome, Sender
from cop_server.delivery.reading import MOST_EVENTS, Portion, check_place, last_number, newest_of, next_portion
from cop_server.delivery.rights import why_not
from cop_server.delivery.subscription import Subscription
from cop_server.events.channel import in_threads
from cop_server.events.encode import moved

_log = logging.getLogger(__name__)
_GATHER_S = 0.2  # changes of one feature within it come as one
_KEEP_PLACE_S = 30.0  # a place that moved past what was not asked for is kept now and then
_STORE_AGAIN_S = 1.0
_READ_AGAIN = 0.0  # no wait: people have changed it, or it is another's; the next step finds which


Marks = Callable[[VisibleSet], Awaitable[dict[str, int]]]


class Course:
    """Delivers for one subscription until it may not any longer, or is cancelled."""

    def __init__(self, id_: str, lease: Lease, sender: Sender, url: str, marks: Marks) -> None:
        self.id = id_
        self.woken = asyncio.Event()
        self.revision = -1  # what people have made of it, as the worker has seen
        self._lease = lease
        self._sender = sender
        self._url = url
        self._marks = marks
        self._subscription: Subscription | None = None  # as it was at the last step
        self._ahead: Place | None = None  # a place farther than the one kept, behind which nothing was to be sent
        self._kept_at = 0.0
        self._most = MOST_EVENTS
        self._stays = True

    async def run(self) -> None:
        """Deliver. Ends when the lease is another's, or the subscription is no longer active."""
        self.woken.set()
        try:
            while self._stays:
                try:
                    wait = await self._step()
                except StoreTrouble:
                    wait = _STORE_AGAIN_S
                except Exception:
                    _log.exception("the subscription %s failed; it is tried again", self.id)
                    wait = get_settings().delivery_retry_max_s
                if self._stays:
                    await self._rest(wait)
        finally:
            await self._sender.close()

    async def _rest(self, wait: float | None) -> None:
        """Wait so long, or until there is something to do (None); whoever changes the subscription ends it early."""
        revision = self.revision
        if wait is None:
            while not await self._is_behind() and not self._is_changed(revision):
                await self.woken.wait()
                self.woken.clear()
                await asyncio.sleep(_GATHER_S)
            return
        loop = asyncio.get_running_loop()
        ends = loop.time() + wait
        while loop.time() < ends and not self._is_changed(revision):
            await asyncio.sleep(min(0.2, max(ends - loop.time(), 0.0)))

    def _is_changed(self, revision: int) -> bool:
        """Whether people have changed it since this revision, or since it was read for the last step."""
        read = self._subscription
        return self.revision != revision or (read is not None and self.revision > read.revision)

    async def _is_behind(self) -> bool:
        """Whether a layer that is asked about has changed. Only looked at: nothing is written for what is others'."""
        told = self._subscription
        if told is None:
            return True
        try:
            known, questions = await self._marks(told.visible), told.questions()
        except CopError:
            return True  # the next step says what is the matter
        if moved(questions, known, self._ahead or told.place):
            return True
        self._ahead = Place(max(known.values(), default=0))
        return False

    async def _step(self) -> float | None:
        """One request at most. The wait until the next one: None is until something changes."""
        before, subscription = self._subscription, await in_threads(self._lease.before, self.id)
        if subscription is None:
            self._stays = False
            return None
        if before is None or before.revision != subscription.revision:
            self._most = 1 if subscription.failures else MOST_EVENTS
            self._ahead = None
            if not await self._has_its_place(subscription):
                return 0.0
        self._subscription = subscription
        if subscription.wait_s:
            return subscription.wait_s
        if (reason := await in_threads(why_not, subscription)) is not None:
            return await self._stop(subscription, reason)
        if subscription.dead_letters and (due := await in_threads(self._lease.due, self.id)) is not None:
            return await self._again(subscription, *due)
        return await self._onward(subscription)

    async def _has_its_place(self, subscription: Subscription) -> bool:
        """Whether what lies behind the place is still there. Where not, a webhook's owner has to say from where; on a
        broker it goes on from now.
        """
        try:
            await in_threads(check_place, subscription)
        except Refused as exc:
            if subscription.kind == "webhook":
                reason = f"{exc.detail}. Resume it with since=0 for the whole, or with the number of a walk"
                await self._stop(subscription, reason)
                return False
            _log.error("%s: %s; it goes on from now, and its readers must read the items again", self.id, exc.detail)
            now = Place(await in_threads(last_number, subscription.visible))
            await in_threads(lambda: self._lease.moved(subscription, now, [], settle=False))
            return False
        return True

    async def _onward(self, subscription: Subscription) -> float | None:
        """Send what comes next behind the place."""
        after = self._ahead if self._ahead is not None else subscription.place
        most = min(self._most, _most_of(subscription))
        portion = await in_threads(next_portion, self._url, subscription, after, most)
        if not portion.events:
            return await self._pass_over(subscription, portion.until)
        await in_threads(note_sent, subscription, portion.events)
        outcome = await self._sender.send(subscription, portion.events)
        if outcome.kind == "delivered":
            return await self._delivered(subscription, portion)
        return await self._failed(subscription, portion, outcome)

    async def _pass_over(self, subscription: Subscription, until: Place) -> float | None:
        now = asyncio.get_running_loop().time()
        self._ahead = until
        if now - self._kept_at >= _KEEP_PLACE_S:
            self._kept_at = now
            if not await in_threads(lambda: self._lease.moved(subscription, until, [], settle=False)):
                return _READ_AGAIN
        return None

    async def _delivered(self, subscription: Subscription, portion: Portion) -> float | None:
        features = [(one.collection, one.change.id) for one in portion.events]
        settle = subscription.dead_letters > 0
        self._subscription = replace(subscription, place_n=portion.until.n, place_feature=portion.until.feature)
        kept = await in_threads(lambda: self._lease.moved(subscription, portion.until, features, settle=settle))
        self._ahead = None
        if not kept:
            return _READ_AGAIN
        self._kept_at = asyncio.get_running_loop().time()
        self._most = min(2 * self._most, MOST_EVENTS)
        return None if portion.is_all and not subscription.rate else _pace(subscription)

    async def _failed(self, subscription: Subscription, portion: Portion, outcome: Outcome) -> float | None:
        """Halve what was refused until one event stands alone; wait and try again; or give it up."""
        settings = get_settings()
        events = portion.events
        if outcome.kind == "gone":
            return await self._stop(subscription, outcome.reason)
        if outcome.kind == "refused" and len(events) > 1:
            self._most = len(events) // 2
            return _pace(subscription)
        self._most = 1
        if len(events) == 1 and _is_poison(subscription, outcome, settings):
            await self._bury(subscription, events[0], outcome)
            return _pace(subscription)
        if _is_hopeless(subscription, settings):
            reason = f"nothing was delivered for {settings.delivery_give_up_hours:g} hours: {outcome.reason}"
            return await self._stop(subscription, reason)
        wait = wait_after(subscription.failures, outcome.retry_after_s, settings)
        refused, answered = outcome.kind == "refused", outcome.answered and len(events) == 1
        return await self._put_off(subscription, outcome, wait, refused=refused, answered=answered)

    async def _put_off(
        self, subscription: Subscription, outcome: Outcome, wait: float, *, refused: bool, answered: bool
    ) -> float:
        kept = await in_threads(
            lambda: self._lease.failed(subscription, outcome.reason, wait, refused=refused, answered=answered)
        )
        return wait if kept else _READ_AGAIN

    async def _bury(self, subscription: Subscription, event: Event, outcome: Outcome) -> None:
        _log.warning("%s: %s is a dead letter: %s", self.id, event.id, outcome.reason)
        attempts = subscription.refusals + 1
        await in_threads(
            self._lease.bury, subscription, event.collection, event.change, outcome.reason, attempts, event.place
        )
        self._ahead = None

    async def _again(self, subscription: Subscription, collection: str, feature: str, n: int) -> float | None:
        """Send the newest state of a feature whose change was refused. The place stays where it is.

        A target that answers and does not take it keeps its dead letter, and the others go on; one that is silent, or
        says when to come again, is tried again.
        """
        event = await in_threads(newest_of, self._url, subscription, collection, feature, n)
        if event is not None:
            await in_threads(note_sent, subscription, [event])
        outcome = DELIVERED if event is None else await self._sender.send(subscription, [event])
        if outcome.kind == "delivered":
            await in_threads(self._lease.settled, subscription, collection, feature)
        elif outcome.kind == "gone":
            return await self._stop(subscription, outcome.reason)
        elif outcome.answered and outcome.retry_after_s is None and event is not None:
            await in_threads(self._lease.bury, subscription, collection, event.change, outcome.reason, 1, None)
        else:
            wait = wait_after(subscription.failures, outcome.retry_after_s, get_settings())
            return await self._put_off(subscription, outcome, wait, refused=False, answered=False)
        return _pace(subscription)

    async def _stop(self, subscription: Subscription, reason: str) -> float:
        if await in_threads(self._lease.stop, subscription, reason):
            _log.warning("the subscription %s has stopped: %s", self.id, reason)
            self._stays = False
        return _READ_AGAIN


def _most_of(subscription: Subscription) -> int:
    """The most events in one delivery."""
    if subscription.kind == "mqtt":
        return MOST_PUBLISHED
    return 1 if subscription.content == "single" else MOST_EVENTS


def _pace(subscription: Subscription) -> float:
    """Seconds between two requests, where the target has said how many it takes a minute."""
    return 60 / subscription.rate if subscription.rate else 0.0


def _is_poison(subscription: Subscription, outcome: Outcome, settings: Settings) -> bool:
    """Whether one event has been tried often or long enough at a target that answers."""
    if outcome.kind == "refused" and subscription.refusals + 1 >= settings.delivery_attempts:
        return True
    return outcome.answered and (subscription.answered_s or 0) > settings.delivery_event_hours * 3600


def _is_hopeless(subscription: Subscription, settings: Settings) -> bool:
    """Whether a webhook has taken nothing for so long, and has had its attempts at what comes next too.

    Without these, one lost event would end a quiet subscription at the first failure of the next one, weeks later.
    """
    is_long = (subscription.failing_s or 0) > settings.delivery_give_up_hours * 3600
    return subscription.kind == "webhook" and is_long and subscription.failures + 1 >= settings.delivery_attempts


def wait_after(failures: int, asked: float | None, settings: Settings) -> float:
    """Seconds until the next attempt: doubled each time, less a random half, and not before the target asks for it."""
    longest = min(settings.delivery_retry_s * 2.0 ** min(failures, 30), settings.delivery_retry_max_s)
    chosen = longest * (0.5 + random.random() / 2)  # noqa: S311 - spreads attempts, guards nothing
    return max(chosen, asked or 0.0)
