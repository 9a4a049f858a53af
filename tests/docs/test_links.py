import re

import pytest

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NAMED_PATH = re.compile(
    r"`((?:docs|actions|connectors|schemas|playbooks|src|tests|examples|bench|requirements)/[\w./-]*)`"
)
EXAMPLES_OF_CONTRIBUTING = {"actions/verb_noun.yaml", "actions/verb_noun.py", "tests/actions/test_verb_noun.py"}


def anchors(text):
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_between_pages_lead_somewhere(root, pages):
    broken = []
    for page, text in pages.items():
        for target in LINK.findall(text):
            if target.startswith(("https://", "mailto:")):
                continue
            path, _, anchor = target.partition("#")
            file = (root / page).parent / path if path else root / page
            if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
                broken.append(f"{page}: {target}")
    assert broken == []


def test_files_that_a_page_names_exist(root, pages):
    missing = [
        f"{page}: {path}"
        for page, text in pages.items()
        for path in NAMED_PATH.findall(text)
        if path not in EXAMPLES_OF_CONTRIBUTING and not (root / path).exists()
    ]
    assert missing == []


def test_every_page_of_the_docs_is_reached_from_the_readme(root, pages):
    linked = set(LINK.findall(pages["README.md"]))
    assert {page for page in pages if page.startswith("docs/")} <= {link.partition("#")[0] for link in linked}


@pytest.mark.parametrize("name", ["README.md", "docs/getting-started.md"])
def test_links_to_the_web_lead_to_microsoft_only(pages, name):
    assert [
        link for link in LINK.findall(pages[name]) if link.startswith("http") and ".microsoft.com/" not in link
    ] == []
