import pytest

from playworld.config import InputError, from_dict
from playworld.play import PlayOptions
from playworld.play.host_names import Host, allowed_name, parse_host, parse_origin
from playworld.play.links import network_links, own_link


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("play.example.com", "play.example.com"),
        ("Play.Example.COM.", "play.example.com"),
        ("https://play.example.com/", "play.example.com"),
        ("play.example.com:8443", "play.example.com"),
        (" localhost ", "localhost"),
        ("playworld_1", "playworld_1"),
        ("spiel.bücher.example", "spiel.xn--bcher-kva.example"),
        ("192.168.1.5:8000", "192.168.1.5"),
        ("::1", "::1"),
        ("[2001:DB8::1]:80", "2001:db8::1"),
    ],
)
def test_a_name_to_allow_may_be_given_as_it_stands_in_the_address_bar(given, name):
    assert allowed_name(given) == name


@pytest.mark.parametrize(
    "given",
    [
        "",
        "*",
        "*.example.com",
        "https://a.example/play",
        "a.example,b.example",
        "a b",
        "user@a.example",
    ]
    + ["a..example", "http://", "a.example:port", "x" * 64 + ".example", ".example"],
)
def test_a_name_that_no_request_could_have_is_refused(given):
    with pytest.raises(InputError, match="allow_hosts needs names of hosts"):
        from_dict(PlayOptions, {"allow_hosts": [given]})


@pytest.mark.parametrize(
    "host", ["", "[::1", "::1", "a@b", "a/b", "a b", "a:1:2", "a:123456", "\xff"]
)
def test_what_is_no_host_is_none(host):
    assert parse_host(host) is None


def test_a_port_that_is_left_out_is_that_of_the_scheme():
    assert parse_origin("HTTPS://A.example") == ("https", Host("a.example"))
    assert Host("a.example").at("https") == Host("a.example", 443).at("https")
    assert Host("a.example").at("http") != Host("a.example", 443).at("http")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_a_server_on_this_machine_alone_has_no_link_for_others(host):
    assert network_links(host, 8000) == []


def test_a_server_at_one_address_has_its_link():
    assert network_links("192.0.2.7", 80) == ["http://192.0.2.7:80/"] == [own_link("192.0.2.7", 80)]


def test_a_server_that_listens_everywhere_names_an_address_of_this_machine():
    for link in network_links("0.0.0.0", 8000):
        assert link.startswith("http://") and link.endswith(":8000/") and "127.0" not in link
    assert own_link("0.0.0.0", 8000) == "http://localhost:8000/"


def test_the_links_for_others_stand_in_the_description_of_the_world(random_world):
    from starlette.testclient import TestClient

    from playworld.play import create_app

    app = create_app(random_world, PlayOptions(), ["http://192.0.2.7:8000/"])
    world = TestClient(app, base_url="http://localhost").get("/api/v1/world").json()
    assert world["addresses"] == ["http://192.0.2.7:8000/"]
