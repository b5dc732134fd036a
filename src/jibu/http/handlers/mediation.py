"""The mediator's operations and their handlers."""

from __future__ import annotations

from jibu.domain.configuration import Mode
from jibu.http.call import Handler
from jibu.http.gate import Gate
from jibu.http.handlers.configuration import ConfigurationHandlers
from jibu.http.handlers.directory import DirectoryHandlers
from jibu.http.handlers.exchanges import MessageHandlers, MonitoringHandlers, RegistrationHandlers
from jibu.http.handlers.mediator import MediatorHandlers
from jibu.usecases.mediation import Mediation


def mediation_table(mediation: Mediation, gate: Gate) -> dict[str, Handler]:
    """Return the handler of every operation id of the mediator."""
    directory = DirectoryHandlers(mediation.directory, gate)
    registrations = RegistrationHandlers(mediation.registrations, gate)
    messages = MessageHandlers(mediation.messages, gate)
    monitoring = MonitoringHandlers(mediation.monitoring, gate)
    configuration = ConfigurationHandlers(mediation.configuring, mediation.allowing, mediation.fetching, gate)
    return {
        "listClients": directory.clients,
        "listMethods": directory.methods,
        "allowedMethods": directory.allowed,
        "getOpenAPI": directory.description,
        **_administration(MediatorHandlers(mediation.administration, gate)),
        **_configuration(configuration),
        "listRegistrations": registrations.page,
        "askRegistration": registrations.ask,
        "getRegistration": registrations.get,
        "approveRegistration": registrations.approve,
        "declineRegistration": registrations.decline,
        "listMessages": messages.page,
        "getMessage": messages.get,
        "listBatches": messages.batches,
        "getBatch": messages.batch,
        "listServiceTraffic": monitoring.traffic("service"),
        "listClientTraffic": monitoring.traffic("client"),
        "getEnvironment": monitoring.environment,
    }


def _configuration(handlers: ConfigurationHandlers) -> dict[str, Handler]:
    return {
        "listIMconf": handlers.read,
        "createIMconf": handlers.apply(Mode.CREATE),
        "updateIMconf": handlers.apply(Mode.UPDATE),
        "replaceIMconf": handlers.apply(Mode.REPLACE),
        "checkIMconf": handlers.status,
        "getAllowed": handlers.allowed,
        "setAllowed": handlers.change(allow=True),
        "setDenied": handlers.change(allow=False),
    }


def _administration(mediator: MediatorHandlers) -> dict[str, Handler]:
    return {
        "listMembers": mediator.members,
        "getMember": mediator.get_member,
        "putMember": mediator.put_member,
        "deleteMember": mediator.delete_member,
        "listApplications": mediator.applications,
        "getApplication": mediator.get_application,
        "putApplication": mediator.put_application,
        "deleteApplication": mediator.delete_application,
        "listServices": mediator.services,
        "getService": mediator.get_service,
        "putService": mediator.put_service,
        "deleteService": mediator.delete_service,
        "listRights": mediator.rights,
        "putRight": mediator.put_right,
        "deleteRight": mediator.delete_right,
        "listChanges": mediator.changes,
    }
