"""What is looked up at the send: links for the recipient alone, and whether they hold their post still."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from monitor.config.spec import ChannelSpec, Site
from monitor.model.incident import Notice, Outcome, Receipt
from tests.unit.web_site import NOW, World, running, site

PAGE = Notice(
    "i/0/0/0/focal-vn/log", "i", "S10234", "02102", "outage", "focal-vn", "log", NOW, "s",
    "Xác nhận: http://board.example:8866/a/S10234.", "sms",
)  # fmt: skip


class Mouth:
    """A transport that remembers what it was given."""

    def __init__(self) -> None:
        self.said: list[str] = []

    async def send(self, notice: Notice, *, attempt: int, maybe_sent: bool) -> Receipt:
        self.said.append(notice.body)
        return Receipt(Outcome.SENT)

    async def close(self) -> None:
        """Nothing to stop."""


async def said(world: World, channel: str) -> tuple[Receipt, list[str]]:
    mouth = Mouth()
    receipt = await world.service._wrapped(channel, mouth).send(PAGE, attempt=1, maybe_sent=False)
    return receipt, mouth.said


def with_mail(made: Site) -> Site:
    return replace(made, channels={**made.channels, "mail": ChannelSpec("mail", "email")})


async def test_the_channel_log_shows_no_link_that_answers():
    async with running(with_mail(site())) as world:
        assert await said(world, "log") == (Receipt(Outcome.SENT), [PAGE.body])
        _, [sent] = await said(world, "mail")
        assert len(sent) > len(PAGE.body) + 50


async def test_the_words_for_a_template_get_the_links_too():
    async with running(with_mail(site())) as world:
        await world.break_centre("02102")
        [page, *_] = [one.notice for one in await world.service.store.deliveries() if one.notice.cause]
        assert page.words["why_url"] == f"http://board.example:8866/w/{page.ref}"
        told = world.service._linked(page)
        assert told.words["why_url"] in told.body
        assert len(told.words["why_url"]) > len(page.words["why_url"]) + 100


async def test_a_call_does_not_go_to_who_holds_another_post_by_now():
    async with running(site()) as world:
        await world.break_centre("02102")
        [page, *_] = [one.notice for one in await world.service.store.deliveries() if one.notice.cause]
        assert world.service._holds(page)
        directory = world.service.site.directory
        moved = tuple(replace(one, role="clerk") if one.id == page.recipient else one for one in directory.recipients)
        elsewhere = replace(directory, recipients=moved)
        world.service.evaluator.policy = replace(world.service.evaluator.policy, directory=elsewhere)
        world.service.site = replace(world.service.site, directory=elsewhere)
        assert not world.service._holds(page)
        assert world.service._holds(replace(page, cause=""))  # what is no call goes to the person


async def test_what_was_held_overnight_does_not_go_to_who_left_the_post_at_midnight():
    made = site()
    focal, head = made.directory.recipients
    leaving = replace(focal, valid_to=date(2026, 11, 19))
    made = replace(made, directory=replace(made.directory, recipients=(leaving, head)))
    async with running(made) as world:
        assert (await said(world, "log"))[0].outcome is Outcome.SENT
        world.clock.move(14 * 3600)  # past midnight in Vietnam
        receipt, told = await said(world, "log")
        assert (receipt.outcome, receipt.detail, told) == (Outcome.REFUSED, "holds the post no more", [])
