"""Volcengine's own client against the emulator: every action there is, its answers and its errors.

    python official_client.py http://127.0.0.1:PORT shapes.json

The emulator runs with the example state. Ends with 0 if everything was as it should be.
"""

import base64
import hashlib
import inspect
import json
import re
import sys
import urllib.parse
import urllib.request

import volcenginesdkcore
import volcenginesdkid
import volcenginesdksts
from volcenginesdkcore.auth.providers.sts_oidc_provider import StsOidcCredentialProvider
from volcenginesdkcore.auth.providers.sts_provider import StsCredentialProvider
from volcenginesdkcore.rest import ApiException

URL = sys.argv[1]
with open(sys.argv[2], encoding="utf-8") as handle:
    SHAPES = json.load(handle)
ACCOUNT = 2100000000
used = set()


# The client, with its own models all the way down.

def configuration(key="AKLT-gateway", secret="gateway-example-secret", token="", retry=False):
    found = volcenginesdkcore.Configuration()
    found.ak, found.sk, found.session_token = key, secret, token
    found.region, found.host, found.auto_retry = "cn-beijing", URL, retry
    return found


def identity(**how):
    return volcenginesdkid.IDApi(volcenginesdkcore.ApiClient(configuration(**how)))


def sts(**how):
    return volcenginesdksts.STSApi(volcenginesdkcore.ApiClient(configuration(**how)))


def methods(api):
    """Methods by the action that each of them sends."""
    found = {}
    for name, method in inspect.getmembers(type(api), inspect.isfunction):
        if name.endswith("_with_http_info"):
            match = re.search(r"'/([A-Za-z0-9]+)/[0-9-]+/", inspect.getsource(method))
            if match:
                found[match.group(1)] = name.removesuffix("_with_http_info")
    return found


def model(module, kind, values):
    """`values`, which have the names of the wire, as the client's own model of that kind."""
    if isinstance(values, list):
        return [model(module, kind.removeprefix("list[").removesuffix("]"), value) for value in values]
    if not isinstance(values, dict):
        return values
    cls = getattr(module, kind)
    names = {wire: name for name, wire in cls.attribute_map.items()}
    fields = {}
    for wire, value in values.items():
        name = names[wire]
        fields[name] = model(module, cls.swagger_types[name], value)
    return cls(**fields)


ID_METHODS = methods(identity())
STS_METHODS = methods(sts())


def call(action, values=None, api=None):
    """Sends `action`; the answer with the names of the wire."""
    service = "sts" if action in SHAPES["sts"] else "id"
    module, names = (volcenginesdksts, STS_METHODS) if service == "sts" else (volcenginesdkid, ID_METHODS)
    api = api or (sts() if service == "sts" else identity())
    body = model(module, action + "Request", values or {})
    answer = getattr(api, names[action])(body)
    # An empty answer has no model.
    assert answer == {} or answer._metadata.action == action
    used.add(action)
    return wire(answer)


def wire(value):
    if isinstance(value, list):
        return [wire(one) for one in value]
    names = getattr(value, "attribute_map", None)
    if names is None:
        return value
    all_of_it = {names[name]: wire(getattr(value, name)) for name in names}
    return {name: one for name, one in all_of_it.items() if one is not None}


def refused(status, code, action, values=None, api=None):
    """The client raises its own error, with this status and code."""
    try:
        call(action, values, api)
    except ApiException as error:
        said = json.loads(error.body) if error.body else {"ResponseMetadata": {"Error": eval_reason(error)}}
        found = (error.status, said["ResponseMetadata"]["Error"]["Code"])
        assert found == (status, code), f"{action}: {found} is not {(status, code)}"
        return said["ResponseMetadata"]
    raise AssertionError(f"{action} was answered")


def eval_reason(error):
    # For an error in an answer with 200 the client keeps only the text of it.
    code = re.search(r"'Code': '([^']*)'", error.reason)
    return {"Code": code.group(1)}


# What is no OpenAPI call: pages, and another process's hold on the emulator.

class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


BROWSER = urllib.request.build_opener(Stay, urllib.request.ProxyHandler({}))


def http(url, data=None, headers=None, method=None):
    request = urllib.request.Request(url, data=data, headers=headers or {}, method=method)
    try:
        with BROWSER.open(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def browse(url, login=None):
    """Opens a page, agrees as `login` or does not, and stops at the first address elsewhere."""
    assert http(url)[0] == 200, http(url)
    form = {"login": login, "decision": "allow"} if login else {"decision": "deny"}
    status, headers, body = http(url, urllib.parse.urlencode(form).encode())
    while status == 302 and headers["location"].startswith(URL):
        status, headers, body = http(headers["location"])
    return headers["location"] or body


def control(what, body=None):
    data = None if body is None else json.dumps(body).encode()
    status, _, text = http(f"{URL}/_emulator/{what}", data)
    assert status == 200, (status, text)
    return json.loads(text)


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def query(url):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))


def whoami(token):
    status, _, text = http(f"{URL}/resource/whoami", headers={"authorization": f"Bearer {token}"})
    return json.loads(text) if status == 200 else status


# What is checked.

def sign_in(login):
    """A person signs in at the pool's own issuer; their ID token."""
    pool = call("GetUserPool", {"UserPoolUid": "people"})
    _, _, text = http(pool["DiscoveryUrl"])
    metadata = json.loads(text)
    assert metadata["issuer"] == pool["IssuerUrl"] and metadata["token_endpoint"] == pool["TokenUrl"]
    verifier = "v" * 43
    digest = hashlib.sha256(verifier.encode()).digest()
    asked = {
        "response_type": "code", "client_id": "gateway-app", "scope": "openid profile email",
        "redirect_uri": "http://127.0.0.1:5/callback", "state": "s", "nonce": "n",
        "code_challenge_method": "S256", "identity_provider": "staff",
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
    }
    back = query(browse(metadata["authorization_endpoint"] + "?" + urllib.parse.urlencode(asked), login))
    assert back["state"] == "s" and back["iss"] == pool["IssuerUrl"]
    form = {"grant_type": "authorization_code", "code": back["code"], "client_id": "gateway-app",
            "redirect_uri": "http://127.0.0.1:5/callback", "code_verifier": verifier}
    status, _, text = http(metadata["token_endpoint"], urllib.parse.urlencode(form).encode())
    assert status == 200, text
    return json.loads(text)["id_token"]


def check_sts():
    who = call("GetCallerIdentity")
    assert who == {"AccountId": ACCOUNT, "Trn": f"trn:iam::{ACCOUNT}:user/gateway",
                   "IdentityType": "User", "IdentityId": "gateway"}, who
    asked = {"RoleTrn": f"trn:iam::{ACCOUNT}:role/agent", "RoleSessionName": "session-1", "DurationSeconds": 900}
    answer = call("AssumeRole", asked)
    key = answer["Credentials"]
    assert key["ExpiredTime"].endswith("+08:00") and key["CurrentTime"] < key["ExpiredTime"]
    assert answer["AssumedRoleUser"]["Trn"].endswith("assumed-role/agent/session-1")
    temporary = {"key": key["AccessKeyId"], "secret": key["SecretAccessKey"], "token": key["SessionToken"]}
    assert call("GetCallerIdentity", api=sts(**temporary))["IdentityType"] == "AssumedRole"
    root = sts(key="AKLT-root", secret="root-example-secret")
    refused(403, "AccessDenied", "AssumeRole", asked, root)
    refused(400, "InvalidTRN", "AssumeRole", dict(asked, RoleTrn="agent"))
    refused(403, "AccessDenied", "AssumeRole", dict(asked, RoleTrn=f"trn:iam::{ACCOUNT}:role/storage-reader"))
    return temporary


def check_signatures(temporary):
    refused(401, "SignatureDoesNotMatch", "GetTenantServiceStatus", {}, identity(secret="another"))
    refused(401, "InvalidAccessKey", "GetTenantServiceStatus", {}, identity(key="AKLT-nobody"))
    ended = identity(key="AKTP-ended", secret="ended-example-secret", token="STS-ended-example-token")
    refused(401, "InvalidSecretToken", "GetTenantServiceStatus", {}, ended)
    refused(401, "InvalidSecretToken", "GetTenantServiceStatus", {}, identity(**dict(temporary, token="")))
    refused(401, "InvalidSecretToken", "GetTenantServiceStatus", {}, identity(**dict(temporary, token="STSx")))
    elsewhere = identity()
    elsewhere.api_client.configuration.region = "cn-shanghai"
    refused(400, "InvalidCredential", "GetTenantServiceStatus", {}, elsewhere)
    reader = identity(key="AKLT-reader", secret="reader-example-secret")
    refused(403, "AccessDenied", "GetTenantServiceStatus", {}, reader)
    control("faults", {"ClockSkewSeconds": 600})
    refused(400, "InvalidTimestamp", "GetTenantServiceStatus", {})
    control("faults", {"ClockSkewSeconds": -600})
    refused(400, "InvalidTimestamp", "GetTenantServiceStatus", {})
    control("faults", {})
    assert call("GetTenantServiceStatus", {"AccountId": str(ACCOUNT)}) == {"Status": "Running"}
    # An action that the service has and the emulator has not.
    try:
        identity().list_departments(volcenginesdkid.ListDepartmentsRequest())
        raise AssertionError("answered")
    except ValueError:
        pass  # the client itself misses a parameter
    except ApiException as error:
        assert error.status == 404 and "InvalidActionOrVersion" in error.body


def check_faults():
    control("faults", {"ThrottledPercent": 100, "RetryAfterSeconds": 1})
    said = refused(429, "FlowLimitExceeded", "GetTenantServiceStatus", {})
    assert said["Error"]["CodeN"] == 100018
    control("faults", {})
    before = control("counters")["Actions"]["GetTenantServiceStatus"]
    for status, code in [(429, "FlowLimitExceeded"), (500, "InternalError"), (503, "ServiceUnavailableTemp")]:
        control("failures", {"Action": "GetTenantServiceStatus", "Status": status, "Code": code, "Times": 1})
    call("GetTenantServiceStatus", {}, identity(retry=True))
    after = control("counters")["Actions"]["GetTenantServiceStatus"]
    assert after - before == 4, "the client retries these, each signed anew"
    control("failures", {"Action": "GetTenantServiceStatus", "Status": 200, "Code": "NotFound.X", "Times": 1})
    refused(200, "NotFound.X", "GetTenantServiceStatus", {})
    control("failures", {"Action": "*", "Status": 502, "Body": "<html>bad gateway</html>", "Times": 1})
    try:
        call("GetTenantServiceStatus", {})
        raise AssertionError("answered")
    except ApiException as error:
        assert (error.status, error.body) == (502, "<html>bad gateway</html>")
    control("faults", {"DroppedPercent": 100})
    try:
        call("GetTenantServiceStatus", {})
        raise AssertionError("answered")
    except Exception as error:  # its HTTP library's own
        assert "Connection aborted" in str(error) or "Remote end closed" in str(error), error
    control("faults", {})


def check_workloads(alice, temporary):
    pool = call("GetWorkloadPool", {"WorkloadPoolName": "default"})
    assert pool["WorkloadPoolId"] == "wp-default" and pool["TotalWorkloads"] == 1
    _, _, text = http(pool["DiscoveryUrl"])
    assert json.loads(text)["issuer"] == pool["Url"]
    made = call("CreateWorkloadPool", {"WorkloadPoolName": "p2", "Tags": [{"Key": "k", "Value": "v"}]})
    assert made["Tags"] == [{"Key": "k", "Value": "v"}]
    refused(409, "Duplicated.WorkloadPool", "CreateWorkloadPool", {"WorkloadPoolName": "p2"})
    pools = call("ListWorkloadPools", {"PageNumber": 1, "PageSize": 2})
    assert pools["TotalCount"] == 3 and len(pools["WorkloadPools"]) == 2
    asked = {"Name": "new", "WorkloadPoolName": "p2", "UserToken": alice, "DurationSeconds": 600, "Audience": ["https://a"]}
    refused(404, "NotFound.WorkloadIdentity", "GetWorkloadAccessTokenForJWT", asked)
    new = call("CreateWorkloadIdentity", {"Name": "new", "WorkloadPoolName": "p2", "Category": "Agent",
                                          "MetaData": [{"Key": "k", "Values": ["v"]}]})
    assert new["Trn"] == f"trn:id:cn-beijing:{ACCOUNT}:workloadpool/p2/workload/new"
    refused(409, "Duplicated.WorkloadIdentity", "CreateWorkloadIdentity", {"Name": "new", "WorkloadPoolName": "p2"})
    answer = call("GetWorkloadAccessTokenForJWT", asked)
    said = claims(answer["WorkloadAccessToken"])
    assert (said["sub"], said["aud"], said["act"]) == ("u-alice", "https://a", {"sub": "new"}), said
    assert said["iss"] == call("GetWorkloadPool", {"WorkloadPoolId": made["WorkloadPoolId"]})["Url"]
    assert said["exp"] - said["iat"] == 600
    assert answer["ExpiresAt"].endswith("Z")
    # The next in the chain acts on behalf of the first.
    second = call("GetWorkloadAccessTokenForJWT", {"Name": "openclaw-agent", "UserToken": answer["WorkloadAccessToken"]})
    assert claims(second["WorkloadAccessToken"])["act"] == {"sub": "openclaw-agent", "act": {"sub": "new"}}
    refused(400, "InvalidParameter.UserToken", "GetWorkloadAccessTokenForJWT", dict(asked, UserToken=alice[:-4] + "AAAA"))
    refused(404, "NotFound.WorkloadPool", "GetWorkloadAccessTokenForJWT", dict(asked, WorkloadPoolName="p9"))
    auto = call("GetWorkloadAccessTokenForUserId", {"Name": "auto", "WorkloadPoolName": "eager", "UserId": "u-bob"})
    assert claims(auto["WorkloadAccessToken"])["sub"] == "u-bob"
    alone = call("GetWorkloadAccessToken", {"Name": "openclaw-agent", "Audience": ["a", "b"]})
    assert claims(alone["WorkloadAccessToken"])["aud"] == ["a", "b"]
    refused(400, "MissingParameter.Name", "GetWorkloadAccessToken", {})
    role = call("GetWorkloadAccessToken", {}, identity(**temporary))
    assert claims(role["WorkloadAccessToken"])["sub"] == "agent"
    found = call("GetWorkloadIdentity", {"Name": "new", "WorkloadPoolName": "p2"})
    assert found["MetaData"] == [{"Key": "k", "Values": ["v"]}] and found["Category"] == "Agent"
    call("UpdateWorkloadIdentity", {"Name": "new", "WorkloadPoolName": "p2", "Description": "d"})
    assert call("GetWorkloadIdentity", {"Name": "new", "WorkloadPoolName": "p2"})["Description"] == "d"
    listed = call("ListWorkloadIdentities", {"PageNumber": 1, "PageSize": 10, "SortBy": "Name", "SortOrder": "DESC"})
    assert [one["Name"] for one in listed["WorkloadIdentities"]] == ["openclaw-agent", "new", "auto"]
    refused(400, "InvalidParameter.PageSize", "ListOauth2CredentialProviders", {"PageNumber": 1, "PageSize": 101})
    call("DeleteWorkloadIdentity", {"Name": "new", "WorkloadPoolName": "p2"})
    refused(404, "NotFound.WorkloadIdentity", "GetWorkloadIdentity", {"Name": "new", "WorkloadPoolName": "p2"})
    refused(404, "NotFound.WorkloadIdentity", "GetResourceApiKey",
            {"IdentityToken": answer["WorkloadAccessToken"], "ProviderName": "search"})


def tip(id_token):
    asked = {"Name": "openclaw-agent", "UserToken": id_token, "WorkloadPoolName": "default"}
    return call("GetWorkloadAccessTokenForJWT", asked)["WorkloadAccessToken"]


def check_api_keys(token):
    found = call("GetResourceApiKey", {"IdentityToken": token, "ProviderName": "search"})
    place = [{"Location": "header", "ParameterName": "Authorization", "Prefix": "Bearer "}]
    assert found == {"ApiKey": "search-example-key", "ApiKeyMetadata": place}
    assert whoami(found["ApiKey"])["provider"] == "search"
    refused(400, "InvalidParameter.IdentityToken", "GetResourceApiKey", {"IdentityToken": "x", "ProviderName": "search"})
    refused(404, "NotFound.CredentialProvider", "GetResourceApiKey", {"IdentityToken": token, "ProviderName": "none"})
    made = call("CreateApiKeyCredentialProvider", {"Name": "maps", "ApiKey": "k1", "ApiKeyMetadata": place})
    assert made["Name"] == "maps" and made["SecretTrn"].startswith("trn:id:")
    said = refused(409, "Duplicated.CredentialProvider", "CreateApiKeyCredentialProvider", {"Name": "maps", "ApiKey": "k"})
    assert "Duplicate entry" in said["Error"]["Message"]
    call("UpdateApiKeyCredentialProvider", {"Name": "maps", "ApiKey": "k2"})
    assert call("GetResourceApiKey", {"IdentityToken": token, "ProviderName": "maps"})["ApiKey"] == "k2"
    shown = call("GetApiKeyCredentialProvider", {"Name": "maps"})
    assert shown["ApiKeyMetadata"] == place and "k2" not in json.dumps(shown)
    listed = call("ListApiKeyCredentialProviders", {"PageNumber": 2, "PageSize": 1})
    assert [one["Name"] for one in listed["ApiKeyCredentialProviders"]] == ["maps"] and listed["TotalCount"] == 2
    some = call("BatchGetApiKeyCredentialProviders", {"Names": ["maps", "none"]})
    assert len(some["ApiKeyCredentialProviders"]) == 1
    bound = call("BindCredentialProvider", {"ProviderName": "maps", "ProviderType": "api_key", "Reousrce": "trn:x"})
    assert bound["Resource"] == "trn:x" and bound["UpdateAt"]
    listed = call("ListCredentialProviderBindings", {"PageNumber": 1, "PageSize": 10, "ProviderName": "maps"})
    assert [one["Resource"] for one in listed["Bindings"]] == ["trn:x"]
    both = call("ListCredentialProviders", {"PageNumber": 1, "PageSize": 10, "PoolName": "default"})
    kinds = {one["Name"]: (one["Type"], one["BindingResourceNumber"]) for one in both["CredentialProviders"]}
    assert kinds == {"search": ("api_key", 0), "maps": ("api_key", 1), "calendar": ("oauth2", 0), "reports": ("oauth2", 0)}
    only = call("ListCredentialProviders", {"PageNumber": 1, "PageSize": 10, "Filter": {"Type": "oauth2", "Flow": "M2M"}})
    assert [one["Name"] for one in only["CredentialProviders"]] == ["reports"]
    call("UnBindCredentialProvider", {"ProviderName": "maps", "ProviderType": "api_key", "Reousrce": "trn:x"})
    call("DeleteApiKeyCredentialProvider", {"Name": "maps"})
    refused(404, "NotFound.CredentialProvider", "GetApiKeyCredentialProvider", {"Name": "maps"})


def check_hosted(alice, bob):
    asked = {"IdentityToken": alice, "ProviderName": "calendar", "Flow": "USER_FEDERATION"}
    first = call("GetResourceOauth2Token", asked)
    assert "AccessToken" not in first and first["SessionUri"]
    assert call("GetResourceOauth2Token", asked) == first, "polling opens no other page"
    assert "done" in browse(first["AuthorizationUrl"], "alice@calendar")
    found = call("GetResourceOauth2Token", dict(asked, SessionUri=first["SessionUri"]))
    assert 0 < found["ExpiresIn"] <= 3600 and "AuthorizationUrl" not in found
    who = whoami(found["AccessToken"])
    assert (who["user"], who["login"], who["scopes"]) == ("u-alice", "alice@calendar", ["events.read"])
    # Nobody else gets it, and more scopes need another consent.
    assert "AccessToken" not in call("GetResourceOauth2Token", dict(asked, IdentityToken=bob))
    assert "AccessToken" not in call("GetResourceOauth2Token", dict(asked, Scopes=["events.write"]))
    assert call("GetResourceOauth2Token", asked)["AccessToken"] == found["AccessToken"]
    forced = call("GetResourceOauth2Token", dict(asked, ForceAuthentication=True))
    assert "AccessToken" not in forced and whoami(found["AccessToken"]) == 401
    assert "no consent" in browse(forced["AuthorizationUrl"])

    # The caller's own redirect.
    custom = {"Entries": [{"Key": "access_type", "Value": "offline"}]}
    own = call("GetResourceOauth2Token", dict(asked, RedirectUrl="http://127.0.0.1:5/back", CustomParameters=custom))
    assert query(own["AuthorizationUrl"])["access_type"] == "offline"
    back = query(browse(own["AuthorizationUrl"], "alice@calendar"))
    refused(403, "AccessDenied", "Oauth2Callback", {"IdentityToken": bob, "State": back["state"], "Code": back["code"]})
    refused(400, "InvalidParameter.Code", "Oauth2Callback", {"IdentityToken": alice, "State": back["state"], "Code": "x"})
    token = call("Oauth2Callback", {"IdentityToken": alice, "State": back["state"], "Code": back["code"]})["AccessToken"]
    assert call("GetResourceOauth2Token", asked)["AccessToken"] == token

    # A session that has to be bound to whoever opened the page.
    bind = dict(asked, IdentityToken=bob, ResourceOauth2ReturnUrl="http://127.0.0.1/return", CustomState="mine")
    refused(400, "InvalidParameter.ResourceOauth2ReturnUrl", "GetResourceOauth2Token",
            dict(bind, ResourceOauth2ReturnUrl="http://elsewhere"))
    started = call("GetResourceOauth2Token", bind)
    complete = {"SessionUri": started["SessionUri"], "UserIdentifier": {"UserID": "u-bob"}}
    refused(400, "InvalidParameter.SessionUri", "CompleteResourceTokenAuth", complete)
    back = query(browse(started["AuthorizationUrl"], "bob@calendar"))
    assert back == {"session_uri": started["SessionUri"], "state": "mine"}
    assert "AccessToken" not in call("GetResourceOauth2Token", bind)
    refused(403, "AccessDenied", "CompleteResourceTokenAuth", dict(complete, UserIdentifier={"UserID": "u-alice"}))
    refused(400, "InvalidParameter.UserIdentifier", "CompleteResourceTokenAuth",
            dict(complete, UserIdentifier={"UserID": "u-bob", "IdentityToken": bob}))
    call("CompleteResourceTokenAuth", dict(complete, UserIdentifier={"IdentityToken": bob}))
    assert whoami(call("GetResourceOauth2Token", bind)["AccessToken"])["user"] == "u-bob"

    machine = {"IdentityToken": bob, "ProviderName": "reports", "Flow": "M2M"}
    token = call("GetResourceOauth2Token", machine)["AccessToken"]
    assert call("GetResourceOauth2Token", dict(machine, IdentityToken=alice))["AccessToken"] == token
    refused(400, "InvalidParameter.Flow", "GetResourceOauth2Token", dict(machine, Flow="USER_FEDERATION"))


def check_oauth_providers():
    config = {"ClientId": "c", "ClientSecret": "s", "Flow": "USER_FEDERATION", "Scopes": ["a"],
              "Oauth2Discovery": {"DiscoveryUrl": "https://issuer.example"}}
    made = call("CreateOauth2CredentialProvider", {"Name": "mail", "Vendor": 0, "Config": config})
    assert made["CallbackUrl"] == URL + "/api/v1/oauth2callback"
    refused(409, "Duplicated.CredentialProvider", "CreateOauth2CredentialProvider", {"Name": "mail", "Vendor": 0, "Config": config})
    found = call("GetOauth2CredentialProvider", {"Name": "mail"})
    assert found["Config"]["ClientSecret"] == "s" and found["Config"]["Oauth2Discovery"] == config["Oauth2Discovery"]
    call("UpdateOauth2CredentialProvider", {"Name": "mail", "Config": dict(config, Scopes=["b"])})
    assert call("GetOauth2CredentialProvider", {"Name": "mail"})["Config"]["Scopes"] == ["b"]
    metadata = {"ClientName": "gateway", "RedirectUris": ["http://127.0.0.1/callback"]}
    call("CreateOauth2CredentialProviderDcr", {"Name": "registered", "Vendor": 0, "ClientMetadata": metadata,
                                               "Config": {"Flow": "USER_FEDERATION"}})
    assert call("GetOauth2CredentialProvider", {"Name": "registered"})["Config"]["ClientId"].startswith("dcr-")
    listed = call("ListOauth2CredentialProviders", {"PageNumber": 1, "PageSize": 10})
    assert [one["Name"] for one in listed["Oauth2CredentialProviders"]] == ["calendar", "reports", "mail", "registered"]
    some = call("BatchGetOauth2CredentialProviders", {"Names": ["mail"]})
    assert len(some["Oauth2CredentialProviders"]) == 1
    for name in ["mail", "registered"]:
        call("DeleteOauth2CredentialProvider", {"Name": name})
    refused(404, "NotFound.CredentialProvider", "GetOauth2CredentialProvider", {"Name": "mail"})


def check_user_credentials(alice, bob):
    notes = {"IdentityToken": alice, "CredentialId": "notes"}
    assert call("GetUserCredential", notes)["CredentialData"] == "alice-example-notes"
    refused(404, "NotFound.UserCredential", "GetUserCredential", dict(notes, IdentityToken=bob))
    call("CreateUserCredential", dict(notes, IdentityToken=bob, CredentialData="b"))
    refused(409, "Duplicated.UserCredential", "CreateUserCredential", dict(notes, CredentialData="x"))
    call("UpdateUserCredential", dict(notes, IdentityToken=bob, CredentialData="b2"))
    assert call("GetUserCredential", dict(notes, IdentityToken=bob))["CredentialData"] == "b2"
    assert call("GetUserCredential", notes)["CredentialData"] == "alice-example-notes"
    call("DeleteUserCredential", dict(notes, IdentityToken=bob))
    refused(404, "NotFound.UserCredential", "GetUserCredential", dict(notes, IdentityToken=bob))
    unnamed = call("CreateUserCredential", {"IdentityToken": bob, "CredentialData": "c"})
    assert unnamed["CredentialId"]


def check_roles(alice, bob, id_token):
    asked = {"IdentityToken": alice, "ProviderName": "storage", "RoleSessionName": "s-1", "DurationSeconds": 900}
    answer = call("GetRoleCredentials", dict(asked, WithOIDC=True))["VolcEngResponse"]
    key = answer["Credentials"]
    assert key["Expiration"].endswith("+08:00") and answer["OIDCTokenInfo"]["Subject"] == "u-alice"
    mine = sts(key=key["AccessKeyId"], secret=key["SecretAccessKey"], token=key["SessionToken"])
    assert call("GetCallerIdentity", api=mine)["Trn"] == f"trn:sts::{ACCOUNT}:assumed-role/storage-reader/s-1"
    refused(403, "AccessDenied", "GetRoleCredentials", dict(asked, IdentityToken=id_token))
    by_email = {"IdentityToken": id_token, "ProviderName": "storage-by-email"}
    answer = call("GetRoleCredentials", by_email)["VolcEngResponse"]
    assert "/storage-writer/" in answer["AssumedRoleUser"]["Trn"]
    refused(403, "AccessDenied", "GetRoleCredentials", dict(by_email, IdentityToken=alice))
    config = {"RoleMapping": {"FromRequest": {"AllowedRoles": [{"RoleName": "storage-reader"}]}}}
    call("CreateRoleCredentialProvider", {"Name": "asked", "Vendor": 0, "Config": config})
    refused(409, "Duplicated.RoleCredentialProvider", "CreateRoleCredentialProvider", {"Name": "asked", "Vendor": 0, "Config": config})
    wanted = {"IdentityToken": bob, "ProviderName": "asked", "RequestedRoleTrn": f"trn:iam::{ACCOUNT}:role/storage-reader"}
    call("GetRoleCredentials", wanted)
    refused(403, "AccessDenied", "GetRoleCredentials", dict(wanted, RequestedRoleTrn=f"trn:iam::{ACCOUNT}:role/storage-writer"))
    refused(400, "InvalidParameter.Config.RoleMapping", "CreateRoleCredentialProvider", {"Name": "none", "Vendor": 0, "Config": {"Metadata": ""}})
    assert call("GetRoleCredentialProvider", {"Name": "asked"})["Config"]["RoleMapping"]["FromRequest"]
    listed = call("ListRoleCredentialProviders", {"PageNumber": 1, "PageSize": 10, "Filter": {"Name": "storage", "PoolName": "default"}})
    assert [one["Name"] for one in listed["RoleCredentialProviders"]] == ["storage", "storage-by-email"]
    call("UpdateRoleCredentialProvider", {"Name": "asked"})
    call("DeleteRoleCredentialProvider", {"Name": "asked"})
    refused(404, "NotFound.RoleCredentialProvider", "GetRoleCredentialProvider", {"Name": "asked"})


def check_permission():
    agent = {"NamespaceName": "default", "Principal": {"Type": "user", "Id": "u-bob"},
             "Operation": {"Type": "Action", "Id": "invoke"}, "Resource": {"Type": "agent", "Id": "openclaw-agent"},
             "OriginalCallers": [{"Type": "agent", "Id": "p"}], "Extra": {"runID": "r", "sessionID": "s"}}
    assert call("CheckPermission", agent)["Allowed"] is True
    tool = dict(agent, Resource={"Type": "tool", "Id": "browser"})
    denied = call("CheckPermission", tool)
    assert denied["Allowed"] is False and denied["Message"]
    alice = {"Principal": {"Type": "user", "Id": "u-alice"}}
    assert call("CheckPermission", {**tool, **alice})["Allowed"] is True
    assert call("CheckPermission", {**tool, **alice, "Resource": {"Type": "tool", "Id": "shell"}})["Allowed"] is False
    refused(404, "NotFound.Namespace", "CheckPermission", dict(agent, NamespaceName="none"))
    call("CreateNamespace", {"NamespaceName": "team"})
    listed = call("ListNamespaces", {"PageNumber": 1, "PageSize": 10, "Filter": {"Name": "team"}})
    assert [one["NamespaceName"] for one in listed["Namespaces"]] == ["team"]


def check_user_pools():
    made = call("CreateUserPool", {"Name": "people-2", "SelfSignUpEnabled": False, "SelfAccountRecoveryEnabled": True})
    uid = made["Uid"]
    # The first of what a filter finds is not the one of that name.
    found = call("ListUserPools", {"PageNumber": 1, "PageSize": 10, "Filter": {"Name": "people"}})
    assert [one["Name"] for one in found["Data"]] == ["people", "people-2"]
    client = call("CreateUserPoolClient", {"UserPoolUid": uid, "Name": "web", "ClientType": "WEB_APPLICATION"})
    assert client["ClientSecret"] and client["IdToken"]["LifetimeSeconds"] == 3600
    place = {"UserPoolUid": uid, "ClientUid": client["Uid"]}
    changed = call("UpdateUserPoolClient", dict(place, AllowedCallbackUrls=["http://127.0.0.1/a"], IdToken={"LifeTimeSeconds": 60}))
    assert changed["IdToken"]["LifetimeSeconds"] == 60
    call("UpdateUserPoolClient", dict(place, AllowedCallbackUrls=["http://127.0.0.1/b"]))
    assert call("GetUserPoolClient", place)["AllowedCallbackUrls"] == ["http://127.0.0.1/b"]
    listed = call("ListUserPoolClients", {"UserPoolUid": uid, "PageNumber": 1, "PageSize": 10,
                                          "Filter": {"Name": "web", "ClientTypes": ["WEB_APPLICATION"]}})
    assert [one["Uid"] for one in listed["Data"]] == [client["Uid"]]
    call("DeleteUserPoolClient", place)
    refused(404, "NotFound.UserPoolClient", "GetUserPoolClient", place)
    call("DeleteUserPool", {"UserPoolUid": uid})
    refused(404, "NotFound.UserPool", "GetUserPool", {"UserPoolUid": uid})
    providers = call("ListIdentityProviders", {"UserPoolUID": "people", "PageNumber": 1, "PageSize": 10})
    assert [(one["Name"], one["Enabled"]) for one in providers["Data"]] == [("staff", True), ("retired", False)]
    every = call("ListAllIdentityProviders", {"PageNumber": 1, "PageSize": 10, "Filter": {"ExcludeConnectionType": "saml"}})
    assert [one["UserPoolName"] for one in every["Data"]] == ["people"]
    places = call("ListUserPoolWellKnownEndpoints", {"UserPoolUids": ["people"]})["Data"][0]
    _, _, text = http(places["DiscoveryUrl"])
    metadata = json.loads(text)
    assert places["RevocationEndpoint"] == metadata["revocation_endpoint"]
    assert places["JwksUri"] == metadata["jwks_uri"]
    sign_in("bob")
    call("DisableIdentityProviderForUser", {"UserPoolUid": "people", "UserPoolUserUid": "u-bob",
                                            "ConnectionUid": "conn-staff", "ExternalProviderUserId": "x"})
    try:
        sign_in("bob")
        raise AssertionError("signed in")
    except KeyError:
        pass  # the redirect has an error in place of a code


def check_providers(id_token):
    """The client's own sources of temporary keys."""
    host = URL.removeprefix("http://")
    source = StsCredentialProvider("AKLT-gateway", "gateway-example-secret", "agent", str(ACCOUNT), scheme="http", host=host)
    check_source(source)
    source = StsOidcCredentialProvider(role_name="federated", account_id=str(ACCOUNT), oidc_token=id_token,
                                       scheme="http", host=host)
    check_source(source)
    used.add("AssumeRoleWithOIDC")
    source = StsOidcCredentialProvider(role_name="agent", account_id=str(ACCOUNT), oidc_token=id_token,
                                       scheme="http", host=host, max_retries=1)
    try:
        source.get_credentials()
        raise AssertionError("answered")
    except ApiException as error:
        assert error.status == 403 and "AccessDenied" in error.body


def check_source(source):
    key = source.get_credentials()
    mine = sts(key=key.ak, secret=key.sk, token=key.session_token)
    assert call("GetCallerIdentity", api=mine)["IdentityType"] == "AssumedRole"


def check_machine():
    """IMDSv2 as the client asks for it; its address cannot be changed, so not by the client."""
    assert http(f"{URL}/latest/region_id")[2] == "cn-beijing"
    names = f"{URL}/volcstack/latest/iam/security_credentials"
    assert http(names)[0] == 401
    ttl = {"X-volc-ecs-metadata-token-ttl-seconds": "21600"}
    token = {"X-volc-ecs-metadata-token": http(f"{URL}/latest/api/token", headers=ttl, method="PUT")[2]}
    assert json.loads(http(f"{names}?type=user&format=json", headers=token)[2]) == ["agent"]
    for place, headers in [(f"{names}/agent", token), (f"{URL}/metadata/credentials/agent", {})]:
        key = json.loads(http(place, headers=headers)[2])
        mine = sts(key=key["AccessKeyId"], secret=key["SecretAccessKey"], token=key["SessionToken"])
        assert call("GetCallerIdentity", api=mine)["IdentityId"] == "agent:metadata"
    assert http(f"{URL}/metadata/credentials/other")[0] == 404


def main():
    temporary = check_sts()
    check_signatures(temporary)
    check_faults()
    alice, bob = sign_in("alice"), sign_in("bob")
    check_workloads(alice, temporary)
    tips = tip(alice), tip(bob)
    check_api_keys(tips[0])
    check_hosted(*tips)
    check_oauth_providers()
    check_user_credentials(*tips)
    check_roles(*tips, alice)
    check_permission()
    check_providers(alice)
    check_machine()
    check_user_pools()
    control("expire-sts", {})
    refused(401, "InvalidSecretToken", "GetTenantServiceStatus", {}, identity(**temporary))
    missing = {action for service in SHAPES.values() for action in service} - used
    assert not missing, f"never answered: {sorted(missing)}"
    print(f"{len(used)} actions")


if __name__ == "__main__":
    main()
