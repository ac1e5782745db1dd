"""Takes checkpoints out of the house: to files each minute, by mail and webhook each day.

Whoever later holds one of them can show every change of what it covers, however the database was
changed meanwhile. A checkpoint says size and root alone, nothing of any entry.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import smtplib
from collections.abc import Iterator

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from audits.models import CheckpointDelivery, Ledger
from audits.services import checkpoints, kept
from audits.services.checkpoints import Stored
from policies.services.people import officers
from vendors import outbound

Channel = CheckpointDelivery.Channel
OFFICERS = "officers"
LIMITS = outbound.Limits(seconds=20, answer_bytes=64 * 1024)


def keep_newest(*, at: dt.datetime) -> int:
    """Keep the newest checkpoint of each ledger in DATA_DIR; returns how many were new.

    Raises: OSError.
    """
    new = 0
    for ledger, newest in _newest():
        new += kept.keep(ledger.slug, newest.note, at=at)
    return new


def deliver(*, at: dt.datetime) -> list[CheckpointDelivery]:
    """Hand the newest checkpoint of each ledger to everybody who is to have it.

    Safe to repeat: who got one on this UTC day gets none again. One that fails holds up no other,
    and is tried again by the next call. Returns: how each was taken, which is stored too.
    """
    rows = []
    for ledger, newest in _newest():
        for channel, recipient in _recipients():
            if _got_one(ledger, channel, recipient, at):
                continue
            error = _hand(ledger, newest, channel, recipient, at)
            rows.append(
                CheckpointDelivery.objects.create(
                    ledger=ledger,
                    size=newest.size,
                    at=at,
                    channel=channel,
                    recipient=recipient,
                    ok=not error,
                    error=error,
                )
            )
    return rows


def _newest() -> Iterator[tuple[Ledger, Stored]]:
    for ledger in Ledger.objects.filter(origin__isnull=False):
        newest = checkpoints.latest(ledger.pk)
        if newest is not None:
            yield ledger, newest


def _recipients() -> Iterator[tuple[str, str]]:
    """Channel and name of everybody who is to have it; of a webhook its host alone is kept."""
    addresses: dict[str, None] = {}
    for each in settings.CHECKPOINT_MAIL:
        if each.strip() == OFFICERS:
            addresses |= dict.fromkeys(officer.get_username() for officer in officers())
        elif each.strip():
            addresses[each.strip()] = None
    yield from ((Channel.MAIL, address) for address in addresses)
    if settings.CHECKPOINT_WEBHOOK:
        try:
            host = outbound.checked(settings.CHECKPOINT_WEBHOOK).hostname
        except outbound.Refused:
            host = None
        yield Channel.WEBHOOK, host or "CHECKPOINT_WEBHOOK"


def _got_one(ledger: Ledger, channel: str, recipient: str, at: dt.datetime) -> bool:
    day = at.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = CheckpointDelivery.objects.filter(ledger=ledger, channel=channel, recipient=recipient)
    return rows.filter(ok=True, at__gte=day, at__lt=day + dt.timedelta(days=1)).exists()


def _hand(ledger: Ledger, newest: Stored, channel: str, recipient: str, at: dt.datetime) -> str:
    """Returns what went wrong, empty if it arrived: kinds of failures, never their text."""
    try:
        if channel == Channel.MAIL:
            _mail(ledger, newest, recipient).send()
            return ""
        answer = _post(ledger, newest, at)
    except (OSError, smtplib.SMTPException) as error:
        return type(error).__name__[:60]
    except (outbound.Refused, outbound.Unreachable, ValueError) as error:
        return str(error)[:60]
    return "" if 200 <= answer.status < 300 else f"it answered {answer.status}"


def _mail(ledger: Ledger, newest: Stored, recipient: str) -> EmailMessage:
    context = {
        "ledger": ledger,
        "newest": newest,
        "organization": settings.ORGANIZATION_NAME,
        "public_url": settings.PUBLIC_URL,
        "vkeys": checkpoints.vkeys(ledger.pk),
    }
    message = EmailMessage(
        subject=f"Countersign: checkpoint of the ledger {ledger.slug}, {newest.size:,} entries",
        body=render_to_string("audits/mail/checkpoint.txt", context),
        to=[recipient],
    )
    # As it is, to the byte: what a mail program does to the text above must not matter.
    name = f"checkpoint-{ledger.slug}-{newest.size}.txt"
    message.attach(name, newest.note.encode(), "application/octet-stream")
    return message


def _post(ledger: Ledger, newest: Stored, at: dt.datetime) -> outbound.Answer:
    """Post an event in the form of CloudEvents, signed by Standard Webhooks with a secret."""
    event_id = f"{ledger.slug}-{newest.size}-{newest.root.hex()[:16]}"
    body = json.dumps(
        {
            "specversion": "1.0",
            "id": event_id,
            "source": settings.PUBLIC_URL,
            "type": "countersign.checkpoint",
            "time": at.astimezone(dt.UTC).isoformat(timespec="seconds"),
            "datacontenttype": "application/json",
            "data": {
                "ledger": ledger.slug,
                "origin": newest.origin,
                "size": newest.size,
                "root": newest.root.hex(),
                "checkpoint": newest.note,
                "keys": checkpoints.vkeys(ledger.pk),
            },
        }
    ).encode()
    headers = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
    headers |= webhook_headers(settings.CHECKPOINT_WEBHOOK_SECRET, event_id, at, body)
    return outbound.request(
        "POST", settings.CHECKPOINT_WEBHOOK, body=body, headers=headers, limits=LIMITS
    )


def webhook_headers(secret: str, event_id: str, at: dt.datetime, body: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks; the signature only with a secret, `whsec_` and base64.

    Raises: ValueError for a secret of another form.
    """
    timestamp = str(int(at.timestamp()))
    headers = {"webhook-id": event_id, "webhook-timestamp": timestamp}
    if secret:
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except ValueError:
            raise ValueError("CHECKPOINT_WEBHOOK_SECRET is not base64") from None
        signed = b".".join([event_id.encode(), timestamp.encode(), body])
        digest = hmac.new(key, signed, hashlib.sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return headers
