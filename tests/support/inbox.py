"""The mails that a server on loopback has received."""

from email import message_from_bytes, policy
from email.message import EmailMessage

from scripts.mail_catcher import MailCatcher


class Inbox:
    """What a real SMTP server on loopback has received, oldest first."""

    def __init__(self, catcher: MailCatcher) -> None:
        self.port = catcher.port
        self._folder = catcher.folder

    @property
    def mails(self) -> list[EmailMessage]:
        files = sorted(self._folder.glob("*.eml"), key=lambda file: file.stat().st_mtime_ns)
        return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
