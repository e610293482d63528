"""Whether every tag of a page is closed."""

import html.parser


def unclosed(text: str) -> list[str]:
    checker = TagChecker()
    checker.feed(text)
    return checker.stack + checker.wrong


class TagChecker(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.stack: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in {"meta", "link", "img", "br", "input"}:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        if self.stack and self.stack[-1] == tag:
            self.stack.pop()
        else:
            self.wrong.append(tag)
