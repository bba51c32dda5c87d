"""Which addresses services may have us call: nothing that is ours, however it is written."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.webhooks.addresses import (
    Target,
    UnusableUrlError,
    check,
    is_public,
    may_be_called,
    read,
    resolve,
)

HOME = (ip_network("127.0.0.0/8"),)


def _leads_to(*addresses: str) -> Any:
    def look_up(_host: str, port: int, **_: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

    return look_up


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://example.com/",
        "//example.com/",
        "https:///path",
        "https://",
        "https://user@example.com/",
        "https://user:password@example.com/",
        "https://public.example@127.0.0.1/",
        "https://example.com/#fragment",
        "https://example.com/#",
        "https://exam ple.com/",
        "https://example.com\t/",
        "https://example.com\\@127.0.0.1/",
        "https://例子.中国/",
        "https://example.com:0/",
        "https://example.com:65536/",
        "https://example.com:0443/",
        "https://example.com:x/",
        "https://[::1/",
        "https://[v1.x]/",
        "https://[fe80::1%25eth0]/",
        "https://-example.com/",
        "https://exa$mple.com/",
        "https://example.com/\r\nHost: other",
        "https://example.com/" + "a" * 2_000,
    ],
)
def test_a_url_two_readers_might_read_differently_is_refused(url: str) -> None:
    with pytest.raises(UnusableUrlError, match="url"):
        read(url)


def test_a_url_is_taken_apart_once() -> None:
    """The host that is checked is the host that is called."""
    assert read("https://Example.com:8443/a?b=c") == Target("https", "example.com", 8443, "/a?b=c")
    assert read("https://example.com:443") == Target("https", "example.com", 443, "/")
    assert read("https://[2606:4700::1111]:8443/").authority == "[2606:4700::1111]:8443"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",  # the metadata of most clouds
        "100.100.100.200",  # Aliyun's
        "168.63.129.16",  # Azure's
        "100.64.0.1",
        "192.0.0.192",  # Oracle's
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "192.88.99.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:a9fe:a9fe",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::8.8.8.8",
        "2002:7f00:1::",  # 6to4 of 127.0.0.1
        "2002:808:808::",
        "2001::1",  # Teredo
        "2001:db8::1",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",  # Amazon's
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "100::1",
        "5f00::1",
    ],
)
def test_what_is_not_the_public_internet_is_not_called(address: str) -> None:
    """Neither alone nor beside a public address, over https or http."""
    for scheme in ("https", "http"):
        assert not may_be_called(address, scheme, ())
        with pytest.raises(UnusableUrlError):
            check(f"{scheme}://example.com/", (), _leads_to("8.8.8.8", address))


@pytest.mark.parametrize("address", ["8.8.8.8", "223.5.5.5", "2606:4700::1111", "64:ff9b::8.8.8.8"])
def test_the_public_internet_is_called_by_https_alone(address: str) -> None:
    assert resolve(read("https://example.com"), (), _leads_to(address)) == [address]
    with pytest.raises(UnusableUrlError, match="https"):
        resolve(read("http://example.com"), (), _leads_to(address))


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "localhost", "127.0.0.1.", "[::1]"]
)
def test_other_ways_to_write_this_machine_lead_nowhere_else(host: str) -> None:
    """The system's own resolver reads them, and what it says is looked at."""
    with pytest.raises(UnusableUrlError):
        check(f"https://{host}/", ())


def test_a_deployment_may_allow_networks_of_its_own() -> None:
    """By plain http, too; and no others."""
    for url in ("http://127.0.0.1:8080/", "https://127.0.0.1/"):
        assert check(url, HOME)
    with pytest.raises(UnusableUrlError):
        check("http://10.0.0.1/", HOME)


@given(st.ip_addresses(v=4))
def test_an_address_wrapped_in_another_is_judged_as_itself(address: IPv4Address) -> None:
    """Mapped or translated, it leads to the same machine."""
    plain = may_be_called(str(address), "https", ())
    assert plain == is_public(address)
    assert not plain or address.is_global
    assert may_be_called(f"::ffff:{address}", "https", ()) == plain
    assert may_be_called(f"64:ff9b::{address}", "https", ()) == plain
    assert not may_be_called(str(IPv6Address(0x2002 << 112 | int(address) << 80)), "https", ())


@given(st.ip_addresses(v=6))
def test_only_global_unicast_is_public(address: IPv6Address) -> None:
    if is_public(address):
        assert address.is_global
        assert not any((address.is_multicast, address.is_private, address.is_link_local))


@given(st.text(max_size=40), st.sampled_from(["https://", "http://", "https://a@", ""]))
def test_whatever_is_given_is_read_or_refused(text: str, before: str) -> None:
    """Never another error, and what is read can be written in a header."""
    try:
        target = read(before + text)
    except UnusableUrlError:
        return
    assert target.authority.isascii()
    assert not set(target.path) & set("\r\n ")
