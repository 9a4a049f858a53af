"""Whatever stands in a file: rows, bad rows with a code, or an error that names the place."""

import io
import json

import pytest

from defender_indicators import sources
from defender_indicators.configuration import Profile, load_configuration
from defender_indicators.delivery import BadRow
from defender_indicators.errors import ConfigurationError, InputError
from defender_indicators.pack import content_root
from defender_indicators.pack.strict_yaml import parse

ROW = b'{"indicatorValue":"a.example.com","indicatorType":"DomainName","action":"Block","title":"t","description":"d"}'
GOOD = {
    "json": b'{"Indicators":[' + ROW + b"," + ROW + b"]}",
    "ndjson": ROW + b"\n" + ROW + b"\n",
    "portal-csv": b'IndicatorType,IndicatorValue,Action,Title,Description\nDomainName,a.example.com,Block,"t ""x""",d\n'
    * 2,
    "values": b"a.example.com\n# remark\nhxxp://ex[.]com/x\n1.2.3.4\n",
}
MANIFEST = (content_root() / "actions" / "import_indicators.yaml").read_bytes()
SETTINGS = json.loads((content_root() / "schemas" / "configuration.schema.json").read_bytes())["$defs"]["settings"]
KEYS = [
    *SETTINGS["properties"],
    "schema_version",
    "home",
    "default_tenant",
    "defaults",
    "tenants",
    "env",
    "file",
    "calls",
]
GUID = "11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize("chosen", ["", *sources.FORMATS])
def test_a_file_gives_rows_or_says_what_is_wrong_with_them(attack, chosen):
    def check(dice):
        data = (
            dice.mutated(GOOD[dice.choice(list(GOOD))]) if dice.random() < 0.8 else dice.randbytes(dice.randrange(99))
        )
        try:
            with sources.open_source("-", io.BytesIO(data), chosen=chosen) as source:
                for row in source.rows:
                    if isinstance(row, BadRow):
                        assert row.code in sources.CODES
                        assert row.value.isprintable()
        except InputError:
            return

    attack(check, share=0.5)


def test_yaml_gives_data_or_names_its_problems(attack):
    def check(dice):
        base = dice.choice((MANIFEST[:600], b"a: 1\nb:\n  - x\n  - {c: d}\n", b'{"a": [1, "b"]}'))
        text = dice.mutated(base).decode("utf-8", dice.choice(("replace", "surrogateescape", "ignore")))
        document = parse(text, "x.yaml")
        assert all(str(problem).startswith("x.yaml:") for problem in document.problems)
        json.dumps(document.data, allow_nan=False)

    attack(check, share=1.0)


def hostile_settings(dice):
    settings = {"tenant_id": GUID, "client_id": GUID, "client_secret": {"env": "SECRET"}}
    for _ in range(dice.randrange(4)):
        settings[dice.choice(KEYS)] = dice.choice([{"env": dice.text()}, {"file": dice.text()}, dice.json_value(KEYS)])
    return settings


def test_configuration_gives_a_profile_or_names_its_problems(attack, tmp_path):
    path = tmp_path / "configuration.yaml"

    def check(dice):
        content = {"schema_version": 1, dice.choice(["defaults", "tenants"]): hostile_settings(dice)}
        if "tenants" in content:
            content["tenants"] = {dice.choice(["a", dice.text()]): content["tenants"]}
        if dice.random() < 0.3:
            content[dice.choice(["home", "default_tenant", dice.text()])] = dice.json_value(KEYS)
        text = json.dumps(content).encode()
        path.write_bytes(dice.mutated(text) if dice.random() < 0.2 else text)
        names = [
            "TENANT_ID",
            "CLIENT_ID",
            "CLIENT_SECRET",
            "CLIENT_SECRET_FILE",
            "CERTIFICATE_FILE",
            "CLOUD",
            "API_URL",
            "PROXY",
        ]
        environ = {f"DEFENDER_{name}": dice.text() for name in names if dice.random() < 0.1} | {"SECRET": "s"}
        environ |= (
            {"DEFENDER_INDICATORS_HOME": dice.choice(["~no-such-user", dice.text()])} if dice.random() < 0.2 else {}
        )
        try:
            assert isinstance(load_configuration(path, environ).profile(""), Profile)
        except ConfigurationError:
            return

    attack(check, share=0.5)
