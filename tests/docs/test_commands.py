import re

import pytest

from defender_indicators.emulator.credentials import read_certificate

PAGES = [
    "README.md",
    "docs/getting-started.md",
    "docs/configuration.md",
    "docs/actions.md",
    "docs/operations.md",
    "docs/emulator.md",
    "docs/guard.md",
    "docs/plan.md",
    "docs/policy.md",
    "docs/sources.md",
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_run_in_order_and_print_what_it_shows(root, blocks, terminal, emulator, page):
    if page == "README.md":
        terminal.folder = root
    for block in blocks:
        if block.page == root / page and block.language == "console" and not block.not_run:
            check(page, terminal.run(block.commands()))
            upload_certificate(terminal, emulator)
    if page == "docs/getting-started.md":
        assert imported_with_certificate_alone(terminal, emulator)


def check(page, results):
    for command, code, output in results:
        place = f"{page}:{command.line}: $ {command.text}\n{output}"
        assert code == 0, place
        for line in command.shown:
            assert re.search(pattern_of(line), output), f"the page shows {line!r}\n{place}"


def upload_certificate(terminal, emulator):
    """Do what a page asks the reader to do in the portal, once there is a certificate to upload."""
    made = terminal.folder / "app.crt"
    if made.exists() and not emulator.registration.certificates:
        emulator.registration.certificates.append(read_certificate(made.read_text(encoding="ascii")))
        terminal.environment.pop("DEFENDER_CLIENT_SECRET")


def imported_with_certificate_alone(terminal, emulator):
    alone = "DEFENDER_CERTIFICATE_FILE" in terminal.environment and "DEFENDER_CLIENT_SECRET" not in terminal.environment
    imports = [call.status for call in emulator.arrivals if call.endpoint == "import"]
    return alone and len(emulator.registration.certificates) == 1 and 200 in imports


def test_every_page_with_commands_is_run(root, blocks):
    written = {
        str(block.page.relative_to(root)) for block in blocks if block.language == "console" and not block.not_run
    }
    assert written <= set(PAGES)


def test_a_block_of_commands_begins_with_a_command(blocks):
    assert [block for block in blocks if block.language == "console" and not block.text.startswith("$ ")] == []


def test_a_block_that_is_not_run_says_why(blocks):
    assert [block for block in blocks if block.comment.startswith("not run") and len(block.comment) < 20] == []


def pattern_of(line):
    """Blanks may be any width, ``…`` stands for anything."""
    words = [r".*".join(map(re.escape, word.split("…"))) for word in line.split()]
    return r"[ \t]+".join(words)
