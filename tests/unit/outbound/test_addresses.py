"""Which addresses may be called: one rule, never looser than the two that it came from."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jibu.domain.targets import may_connect

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def services_once(text: str, *, private: bool) -> bool:
    """Answer as the rule for services once did."""
    found: Address = ipaddress.ip_address(text)
    if isinstance(found, ipaddress.IPv6Address):
        if found in NAT64:
            found = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        else:
            found = found.ipv4_mapped or found.sixtofour or found
    if found.is_link_local or found.is_multicast or found.is_unspecified:
        return False
    if found.is_loopback or found.is_private:
        return private
    return found.is_global and not found.is_reserved


def webhooks_once(text: str, *, private: bool) -> bool:
    """Answer as the rule for webhooks once did."""
    if private:
        return services_once(text, private=True)
    found: Address = ipaddress.ip_address(text)
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        elif found.sixtofour is not None or found.teredo is not None or found in NAT64:
            return False
    return found.is_global and not (
        found.is_multicast or found.is_reserved or found.is_unspecified or found.is_loopback
    )


INSIDE = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
)
INSIDE_6 = ("fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "2001:db8::/32", "::/96", "64:ff9b:1::/48")
NEVER = ("0.0.0.0/32", "169.254.0.0/16", "224.0.0.0/4")
fours = st.one_of(
    st.ip_addresses(v=4), *(st.ip_addresses(v=4, network=one) for one in INSIDE), st.just("8.8.8.8")
).map(ipaddress.IPv4Address)


def mapped(four: ipaddress.IPv4Address) -> str:
    """Return an IPv4-mapped address."""
    return str(ipaddress.IPv6Address(0xFFFF << 32 | int(four)))


def compatible(four: ipaddress.IPv4Address) -> str:
    """Return an IPv4-compatible address."""
    return str(ipaddress.IPv6Address(int(four)))


def six_to_four(four: ipaddress.IPv4Address) -> str:
    """Return a 6to4 address."""
    return str(ipaddress.IPv6Address(0x2002 << 112 | int(four) << 80 | 1))


def nat64(four: ipaddress.IPv4Address) -> str:
    """Return an address of the well-known NAT64 prefix."""
    return str(ipaddress.IPv6Address(int(NAT64.network_address) | int(four)))


def local_nat64(four: ipaddress.IPv4Address) -> str:
    """Return an address of the NAT64 prefix for use inside a network."""
    return str(ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b:1::")) | int(four)))


def teredo(four: ipaddress.IPv4Address, server: str = "8.8.8.8") -> str:
    """Return the Teredo address of a client behind a server."""
    hidden = int(four) ^ 0xFFFFFFFF
    return str(ipaddress.IPv6Address(0x20010000 << 96 | int(ipaddress.IPv4Address(server)) << 64 | hidden))


WRAPPED = (six_to_four, nat64, teredo)
sixes = st.one_of(
    st.ip_addresses(v=6).map(str),
    *(st.ip_addresses(v=6, network=one).map(str) for one in INSIDE_6),
    *(fours.map(wrap) for wrap in (mapped, compatible, local_nat64, *WRAPPED)),
)


@given(address=st.one_of(fours.map(str), sixes), private=st.booleans())
@example(address="2002:7f00:1::", private=False)
@example(address="64:ff9b::a00:1", private=False)
def test_it_is_never_looser_than_either_rule_before_it(address: str, *, private: bool) -> None:
    """What services or webhooks refused is refused for both."""
    if may_connect(address, private=private):
        assert services_once(address, private=private)
        assert webhooks_once(address, private=private)


@given(address=st.one_of(fours.map(str), sixes))
def test_allowing_private_networks_takes_nothing_away(address: str) -> None:
    """What may be called without them may be called with them."""
    assert may_connect(address, private=True) or not may_connect(address, private=False)


@given(four=fours)
def test_a_mapped_address_is_the_address_in_it(four: ipaddress.IPv4Address) -> None:
    """The system connects to the IPv4 address."""
    for private in (False, True):
        assert may_connect(mapped(four), private=private) == may_connect(str(four), private=private)


@pytest.mark.parametrize("wrap", WRAPPED)
@given(four=fours)
def test_a_wrapped_address_is_refused_outside_and_judged_inside(
    wrap: object, four: ipaddress.IPv4Address
) -> None:
    """Who routes such a packet, and where to, is not known from here."""
    assert callable(wrap)
    address = wrap(four)
    assert not may_connect(address, private=False)
    assert may_connect(address, private=True) == may_connect(str(four), private=True)


@pytest.mark.parametrize("network", [*INSIDE, *INSIDE_6])
def test_networks_that_are_not_on_the_internet(network: str) -> None:
    """Their first, second and last address are refused."""
    found = ipaddress.ip_network(network)
    for address in (found[0], found[1], found[-1]):
        assert not may_connect(str(address), private=False), address


@given(data=st.data())
@pytest.mark.parametrize("network", [*NEVER, "fe80::/10", "ff00::/8", "64:ff9b:1::/48"])
def test_some_are_refused_in_closed_networks_too(network: str, data: st.DataObject) -> None:
    """Bare, mapped, wrapped, and with the name of an interface behind them."""
    found = ipaddress.ip_network(network)
    address = data.draw(st.ip_addresses(v=found.version, network=network))
    assert not may_connect(str(address), private=True)
    if isinstance(address, ipaddress.IPv4Address):
        for wrap in (mapped, local_nat64, *WRAPPED):
            assert not may_connect(wrap(address), private=True)
    else:
        assert not may_connect(f"{address}%eth0", private=True)


@pytest.mark.parametrize(
    "address",
    [
        "fd00:ec2::254",
        "fd20:ce::254",
        "100.100.100.200",
        "::ffff:100.100.100.200",
        "168.63.129.16",
        "::ffff:168.63.129.16",
        "64:ff9b::a83f:8110",
        "192.0.0.192",
        "::ffff:192.0.0.192",
    ],
)
def test_nor_where_clouds_keep_credentials(address: str) -> None:
    """These are inside private ranges, or look like it, or look public."""
    assert not may_connect(address, private=True)


def test_a_teredo_server_is_judged_too() -> None:
    """Not only the client behind it."""
    four = ipaddress.IPv4Address("10.0.0.1")
    assert may_connect(teredo(four), private=True)
    assert not may_connect(teredo(four, "169.254.169.254"), private=True)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_the_public_internet_may_be_called(address: str) -> None:
    """Or the rule would be no use."""
    assert may_connect(address, private=False)


@pytest.mark.parametrize("address", ["", "localhost", "10.1", "0x7f000001", "1.2.3.4.5", "::g", "%eth0"])
def test_what_is_no_address_is_refused(address: str) -> None:
    """Names are resolved first."""
    assert not may_connect(address, private=True)
