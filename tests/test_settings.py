"""Where the value of an option comes from, and what is said about a wrong one."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from zchat.runtime import options
from zchat.runtime.core.rate_limit import Rate
from zchat.runtime.options import Address, ConfiguredCommand
from zchat.runtime.settings import Endpoints, Program, SettingError, Settings, command


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def invoke(program: Program, *arguments: str, **environment: str) -> tuple[list[Settings], Result]:
    runs: list[Settings] = []
    result = CliRunner().invoke(command(program, runs.append), arguments, env=environment)
    return runs, result


def settings_of(program: Program, *arguments: str, **environment: str) -> Settings:
    runs, result = invoke(program, *arguments, **environment)
    assert result.exit_code == 0, result.output
    return runs[0]


def error_of(program: Program, *arguments: str, **environment: str) -> str:
    runs, result = invoke(program, *arguments, **environment)
    assert (runs, result.exit_code, result.stdout) == ([], 2, "")
    assert result.stderr.count("\n") == 1
    return result.stderr.rstrip()


# --- Where a value comes from ---------------------------------------------------------------------


def test_without_a_word_all_is_default() -> None:
    assert settings_of("gateway") == Settings()
    assert Settings().listen == (Address("127.0.0.1", 7447),)


def test_flag_before_environment_before_file_before_default(folder: Path) -> None:
    assert settings_of("gateway").drain_s == 3.0
    (folder / "zchat.toml").write_text("drain_s = 4")
    assert settings_of("gateway").drain_s == 4.0
    assert settings_of("gateway", ZCHAT_DRAIN_S="5").drain_s == 5.0
    assert settings_of("gateway", "--drain-s", "6", ZCHAT_DRAIN_S="5").drain_s == 6.0


def test_a_named_file_goes_before_that_of_the_folder(folder: Path) -> None:
    (folder / "zchat.toml").write_text("drain_s = 4")
    (folder / "other.toml").write_text('log_level = "debug"')
    for settings in (
        settings_of("gateway", "--config", "other.toml"),
        settings_of("gateway", ZCHAT_CONFIG="other.toml"),
    ):
        assert settings == Settings(log_level="debug")


def test_one_file_serves_all_programs(folder: Path) -> None:
    (folder / "zchat.toml").write_text(
        'password_threads = 4\nlisten = ["[::1]:1", "localhost:2"]\n'
    )
    assert settings_of("user-service") == Settings(password_threads=4)
    assert settings_of("gateway") == Settings(listen=(Address("::1", 1), Address("localhost", 2)))


def test_a_program_has_the_options_that_it_uses() -> None:
    assert "--listen" in invoke("gateway", "--help")[1].stdout
    assert "--listen" not in invoke("router", "--help")[1].stdout
    assert "--partition" not in error_of("router", "--var", "")
    assert settings_of("room-service", "--partition", "1", "--partitions", "2").partition == 1


def test_help_names_variable_and_default() -> None:
    text = " ".join(invoke("gateway", "--help")[1].stdout.split())
    assert "[env var: ZCHAT_LISTEN; default: 127.0.0.1:7447]" in text


def test_show_config_says_where_each_value_comes_from(folder: Path) -> None:
    (folder / "zchat.toml").write_text('log_level = "debug"')
    runs, result = invoke("gateway", "--show-config", "--name", "g", ZCHAT_LISTEN="a:1, [::]:2")
    assert runs == []
    shown = [" ".join(line.split()) for line in result.stdout.splitlines()]
    for row in (
        "var var default",
        "router ipc://{var}/run/router default",
        "listen a:1,[::]:2 environment ZCHAT_LISTEN",
        "name g flag --name",
        "message_rate 20/200 default",
        "log_level debug file zchat.toml",
        "drain_s 3.0 default",
        "config zchat.toml default",
    ):
        assert row in shown


def test_version() -> None:
    assert invoke("router", "--version")[1].stdout.startswith("zchat-router 0.")


def test_show_config_serves_any_command_and_hides_secrets() -> None:
    @click.command(cls=ConfiguredCommand, context_settings={"auto_envvar_prefix": "ZCHAT"})
    @click.argument("name")
    @click.option("--password", hide_input=True)
    @click.option("--server", multiple=True, default=["a:1"])
    def client(**values: object) -> None:
        raise AssertionError(values)

    result = CliRunner().invoke(
        client, ["alice", "--show-config"], env={"ZCHAT_PASSWORD": "secret"}
    )
    assert result.stdout.splitlines() == [
        "name      alice     argument",
        "password  (hidden)  environment ZCHAT_PASSWORD",
        "server    a:1       default",
    ]


# --- What is wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("LISTEN", "7447", "give HOST:PORT"),
        ("LISTEN", "::1:7447", "give HOST:PORT"),
        ("LISTEN", "a:1,", "give HOST:PORT"),
        ("LISTEN", "a:0", "give one from 1 to 65535"),
        ("LISTEN", "a:65536", "give one from 1 to 65535"),
        ("PARTITIONS", "0", "give a whole number from 1 to 64"),
        ("PARTITIONS", "two", "not a whole number; give a whole number from 1 to 64"),
        ("DRAIN_S", "nan", "out of range; give seconds from 0 to 10"),
        ("DRAIN_S", "-1", "out of range; give seconds from 0 to 10"),
        ("LOG_LEVEL", "loud", "give one of debug, info, warning, error"),
        ("ROUTER", "udp://a:1", "give ipc://PATH or tcp://HOST:PORT"),
        ("ROUTER", "tcp://a", "give HOST:PORT"),
        ("ROUTER", "tcp://a:65531", "needs 70 ports; give one up to 65466"),
        ("VAR", " ", "not a path"),
        ("VAR", "x" * 100, "bytes, and the system allows 107; give a shorter --router or --var"),
        ("NAME", "a#b", "not a process name"),
        ("CONFIG", "missing.toml", "cannot read missing.toml"),
    ],
)
def test_a_wrong_value_is_one_line_with_what_would_be_right(
    variable: str, value: str, why: str
) -> None:
    error = error_of("gateway", **{f"ZCHAT_{variable}": value})
    setting = "router" if value == "x" * 100 else variable.lower()
    assert error.startswith(f"zchat-gateway: wrong value for {setting} (")
    assert why in error


def test_a_wrong_value_says_where_it_comes_from(folder: Path) -> None:
    assert "drain_s (flag --drain-s): 'x'" in error_of("gateway", "--drain-s", "x")
    assert "drain_s (environment ZCHAT_DRAIN_S): 'x'" in error_of("gateway", ZCHAT_DRAIN_S="x")
    (folder / "zchat.toml").write_text('drain_s = "x"')
    assert "drain_s (file zchat.toml): 'x'" in error_of("gateway")


def test_a_partition_that_there_is_not() -> None:
    error = error_of("room-service", "--partitions", "4", ZCHAT_PARTITION="4")
    assert "partition (environment ZCHAT_PARTITION)" in error
    assert "partitions is 4; give one from 0 to 3" in error


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("listn = 1", "unknown setting 'listn'; the nearest is 'listen'"),
        ("log-level = 1", "unknown setting 'log-level'; the nearest is 'log_level'"),
        ("listen", "is not TOML"),
        ("partitions = true", "'True' is not a whole number"),
        ("[partitions]", "is not a whole number"),
    ],
)
def test_what_is_wrong_in_the_file(folder: Path, text: str, why: str) -> None:
    (folder / "zchat.toml").write_text(text)
    assert why in error_of("gateway")


def test_what_is_wrong_on_the_command_line() -> None:
    assert "(Did you mean one of: '--listen'" in error_of("gateway", "--listn", "x")
    assert "extra argument (x)" in error_of("gateway", "x")


@pytest.mark.parametrize("host", ["10.0.0.1", "0.0.0.0", "[::]", "[2001:db8::1]", "chat.example"])
def test_without_tls_only_this_machine_may_connect(host: str) -> None:
    error = error_of("gateway", "--listen", f"127.0.0.1:1,{host}:2")
    assert f"{host}:2 can be reached from other machines" in error
    settings_of("gateway", "--listen", f"{host}:2", "--plain", "anywhere")
    settings_of("gateway", "--listen", f"{host}:2", "--tls-cert", "c", "--tls-key", "k")


@pytest.mark.parametrize(
    ("host", "web", "tls", "served"),
    [
        ("127.0.0.1", "auto", False, True),
        ("::1", "auto", False, True),
        ("0.0.0.0", "auto", False, False),
        ("0.0.0.0", "auto", True, True),
        ("0.0.0.0", "on", False, True),
        ("127.0.0.1", "off", True, False),
    ],
)
def test_browsers_come_in_where_nobody_listens_on_the_way(
    host: str, web: str, tls: bool, served: bool
) -> None:
    file = Path("pem") if tls else None
    settings = Settings(web=web, tls_cert=file, tls_key=file, plain="anywhere")
    assert settings.serves_web(Address(host, 7447)) is served


@pytest.mark.parametrize(
    "text", ["chat.example", "https://chat.example/", "https://chat.example:443", "ftp://a", "null"]
)
def test_what_no_browser_would_send_is_no_origin(text: str) -> None:
    with pytest.raises(ValueError, match="no origin"):
        options.origins(text)


def test_origins_are_compared_in_lower_case() -> None:
    found = options.origins("https://Chat.Example, http://10.0.0.5:7447,")
    assert found == ("https://chat.example", "http://10.0.0.5:7447")


def test_a_certificate_needs_its_key() -> None:
    assert "wrong value for tls_key" in error_of("gateway", "--tls-cert", "cert.pem")
    assert "wrong value for tls_cert" in error_of("gateway", "--tls-key", "key.pem")


def test_rates_are_so_much_a_second_and_so_much_at_once() -> None:
    settings = settings_of("gateway", "--message-rate", "0.5/30", "--connection-rate", "OFF")
    assert (settings.message_rate, settings.connection_rate) == (Rate(30, 0.5), None)
    assert (
        settings_of("gateway", "--connections-per-address", "off").connections_per_address is None
    )
    for rate in ("20", "20/", "-1/5", "x/y", "inf/5", "1e9/5"):
        assert "not a rate; give PER_SECOND/AT_ONCE" in error_of("gateway", "--message-rate", rate)
    assert "too little" in error_of("gateway", "--message-rate", "0/5")
    assert "131072 at once" in error_of("gateway", "--byte-rate", "1000/1000")


# --- What follows from the settings ---------------------------------------------------------------


def test_folders_stand_in_var() -> None:
    settings = Settings(var=Path("/srv/zchat"))
    assert (settings.data, settings.run) == (Path("/srv/zchat/data"), Path("/srv/zchat/run"))


def test_ipc_endpoints() -> None:
    endpoints = Settings(var=Path("v")).endpoints
    assert endpoints.commands_frontend == "ipc://v/run/router-commands-frontend"
    assert endpoints.queries_backend("users") == "ipc://v/run/router-queries-backend-users"
    assert endpoints.queries_backend("rooms/3") == "ipc://v/run/router-queries-backend-rooms-3"
    with pytest.raises(ValueError, match="not in list"):
        endpoints.queries_backend("rooms/64")


def test_tcp_endpoints_are_ports_in_a_row() -> None:
    endpoints = Settings(router="tcp://[::1]:7450").endpoints
    assert endpoints.commands_frontend == "tcp://[::1]:7450"
    assert endpoints.events_out == "tcp://[::1]:7454"
    assert endpoints.queries_backend("users") == "tcp://[::1]:7455"
    assert endpoints.queries_backend("rooms/63") == "tcp://[::1]:7519"


def test_the_longest_socket_path_is_allowed_and_one_byte_more_is_not() -> None:
    longest = "ä" * 41
    Endpoints.of(f"ipc://{longest}")
    with pytest.raises(SettingError, match="108 bytes"):
        Endpoints.of(f"ipc://{longest}x")
