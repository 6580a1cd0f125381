"""Our plug-ins by scheme. They are used as classes; Apprise's own table of plug-ins is left as it is."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.adapters.transports.gateways.esms import Esms
from monitor.adapters.transports.gateways.gateway import Gateway
from monitor.adapters.transports.gateways.speedsms import SpeedSms
from monitor.adapters.transports.gateways.stringee import Stringee
from monitor.adapters.transports.gateways.vietguys import Vietguys
from monitor.adapters.transports.gateways.viettel import Viettel
from monitor.adapters.transports.gateways.vnpt import Vnpt
from monitor.adapters.transports.gateways.zalo import ZaloOa, ZaloZns

GATEWAYS: Mapping[str, type[Gateway]] = {
    plugin.scheme: plugin for plugin in (Esms, SpeedSms, Stringee, Vietguys, Viettel, Vnpt, ZaloZns, ZaloOa)
}
