"""Golden events: one of every type, whose bytes every later version must read, and write again, unchanged.

`python -m tests.golden_events` makes those that do not exist. One that exists is never made again: the bytes of a
schema are fixed once it has been stored.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec

from repository.domain import (
    access_request,
    accession,
    agent,
    archival_package,
    assessment,
    description,
    description_fields,
    door,
    key_ring,
    opening_review,
    reader,
    removal,
    reservation,
    run,
    sampling,
)
from repository.domain.corrections import Annulled, PayloadExpunged
from repository.domain.envelope import Authentication, Envelope, OccurredAt
from repository.domain.values import (
    AccessionKind,
    AccessStatus,
    Carrier,
    DeliveryForm,
    Finding,
    Ground,
    Level,
    Outcome,
    RecordType,
    Role,
    Sealed,
    SealedValue,
    SecrecyClass,
    Value,
)
from repository.eventlog.codec import decode_envelope, encode
from repository.eventlog.digests import leaf_hash, payload_digest
from repository.eventlog.registry import event_types

FOLDER = Path(__file__).parents[1] / "fixtures" / "events"
DIGESTS = "digests.json"


class Golden(msgspec.Struct, frozen=True):
    """One golden event."""

    envelope: bytes
    payload: bytes
    salt: bytes

    @property
    def digests(self) -> dict[str, str]:
        """What it must always have."""
        return {
            "salt": self.salt.hex(),
            "payload_sha256": payload_digest(self.salt, self.payload),
            "leaf": leaf_hash(self.envelope).hex(),
        }


def _id(name: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"golden:{name}")


def _digest(name: str) -> str:
    return sha256(name.encode()).hexdigest()


_SEALED = Sealed(sealed=SealedValue(key=_id("key"), subject=_id("subject"), nonce="bm9uY2U", ct="Y2lwaGVydGV4dA"))
_FINDING = Finding(code="bag.digest", path="data/0001.tif", expected=_digest("a"), found=_digest("b"))
_FIELDS = description.Fields(
    level=Level.VOLUME,
    parent=_id("fonds"),
    package=_id("package"),
    reference_code="0001-WS-1931-0012",
    fonds_code="0001",
    title="土地清丈地契",
    responsible_party="县政府",
    date="1931-06/1932?",
    year=1931,
    retention_period="永久",
    secrecy_class=SecrecyClass.OPEN,
    page_count=3,
    record_type=RecordType.TEXT,
    carrier=Carrier.BOTH,
)

_PAYLOADS: tuple[Value, ...] = (
    accession.Opened(
        kind=AccessionKind.TRANSFER,
        producer=_id("producer"),
        transfer_number="移交[2026]3号",
        source="/交接/2026-03",
        per_folder=False,
        title="县政府 1931 年土地卷宗",
    ),
    accession.DeliveryReceived(
        delivery=1,
        form=DeliveryForm.PACKED_BAG,
        source="/交接/2026-03/bag.zip",
        per_folder=False,
        files=14,
        bytes=9_223_372_036_854_775_807,
        listing_sha256=_digest("listing"),
    ),
    accession.Planned(
        delivery=1,
        part=1,
        parts=1,
        units=(
            accession.Unit(path=".", package=_id("package"), description=_id("description"), reference_code=None),
            accession.Unit(
                path='卷 "一"\\\u2028', package=_id("p2"), description=_id("d2"), reference_code="0001-WS-1931-0013"
            ),
        ),
    ),
    accession.DeliveryValidated(
        delivery=1,
        producer_digests=(accession.DigestCheck(algorithm="md5", files=14),),
        findings=(_FINDING,),
        findings_total=1,
    ),
    accession.DeliveryRejected(delivery=1, findings=(_FINDING,), findings_total=12_345),
    accession.Accepted(delivery=1, policy="automatic", packages=2, quality=Outcome.NOT_CHECKED),
    accession.Completed(delivery=1, packages=2, files=14, bytes=0),
    accession.TermsAgreed(agreement="临档协[2026]3号", medium="移动硬盘", opening_opinion="满二十五年开放"),
    accession.WorkSheetRecorded(
        delivery=1,
        part=1,
        parts=1,
        entries=(
            accession.WorkEntry(
                unit="石桥乡/J012-7-0001",
                reference_code="J012-7-0001",
                first=1,
                last=50,
                pages=49,
                contractor="晨光数字化公司",
                operator="张三",
                device="A3-01",
                shift="早班",
            ),
            accession.WorkEntry(
                unit="J012-7-0002",
                reference_code="J012-7-0002",
                first=1,
                last=1,
                pages=1,
                contractor="远山扫描社",
                operator=_SEALED,
                device=None,
                shift=None,
            ),
        ),
    ),
    accession.ReviewRequired(delivery=1, received_by=_id("actor"), two_persons=True),
    accession.UnitsAccepted(delivery=1, units=("J012-7-0001",)),
    accession.Returned(delivery=1, whole=False, units=("J012-7-0002",), reason="倾斜、缺角，请重扫"),
    accession.PartCompleted(delivery=1, packages=2, outstanding=1),
    accession.HandoverPrinted(delivery=1, form_sha256=_digest("form")),
    accession.HandoverSigned(
        form_sha256=_digest("form"),
        scan_name="移交接收登记表（签字）.pdf",
        scan_sha256=_digest("scan"),
        bytes=120_000,
        package=_id("p3"),
        description=_id("d3"),
    ),
    archival_package.Created(
        accession=_id("accession"),
        delivery=1,
        unit="卷一",
        description=_id("description"),
        record_type=RecordType.IMAGE,
        secrecy_class=SecrecyClass.INTERNAL,
        files=3,
        bytes=135_000,
    ),
    archival_package.FormatsIdentified(
        tool="siegfried 1.11.1",
        signatures="DROID_SignatureFile_V119.xml",
        files=3,
        formats=(
            archival_package.FormatCount(puid="fmt/353", files=2),
            archival_package.FormatCount(puid=None, files=1),
        ),
        formats_sha256=_digest("formats"),
    ),
    archival_package.VirusChecked(
        outcome=Outcome.FAILED, tool="clamd 1.4", signatures="27500", files=3, infected=("data/0002.tif",)
    ),
    archival_package.IdentifiersRecorded(
        system="archivematica-aip",
        identifiers=(
            archival_package.ForeignIdentifier(kind="AIP UUID", value="2d3f5a1c-7a3e-4d1b-9c5e-0a1b2c3d4e5f"),
            archival_package.ForeignIdentifier(kind="handle", value="123456789/8 旧编号"),
        ),
    ),
    archival_package.Stored(
        generation=1,
        version=1,
        profile="aip-plain/1",
        files=23,
        bytes=176_000,
        manifest_sha256=_digest("manifest"),
        tagmanifest_sha256=_digest("tagmanifest"),
        inventory_sha256=_digest("inventory"),
    ),
    archival_package.Redelivered(
        delivery=2,
        repairs=1,
        record_type=RecordType.TEXT,
        secrecy_class=SecrecyClass.OPEN,
        files=50,
        bytes=2_250_000,
    ),
    archival_package.PagesDeclared(
        delivery=1,
        declared=(archival_package.DeclaredPages(pages=(8, 9), condition="空白页", reason="原件为空白页"),),
    ),
    archival_package.Digitised(
        delivery=1,
        work=(
            archival_package.Digitisation(
                first=1,
                last=50,
                pages=49,
                contractor="晨光数字化公司",
                operator=_SEALED,
                device="A3-01",
                shift="早班",
            ),
        ),
    ),
    archival_package.FixityFailed(generation=1, version=1, findings=(_FINDING,), findings_total=1),
    archival_package.Replicated(
        store=_id("second store"),
        generation=1,
        version=2,
        files=24,
        bytes=1_234_567,
        inventory_sha256=_digest("inventory"),
    ),
    archival_package.MetadataRevised(description=_id("description"), position=1_234),
    archival_package.ContentRevised(
        files=(
            archival_package.ReplacedFile(
                path="0002.tif", before_sha256=_digest("old page"), after_sha256=_digest("new page"), bytes=45_000
            ),
        ),
        source="/重扫/2026-04",
        reason="第 2 页歪斜，重新扫描；补第 3 页，去重复的第 4 页",
        added=(archival_package.AddedFile(path="0003.tif", sha256=_digest("added page"), bytes=44_000),),
        removed=(archival_package.RemovedFile(path="0004.tif", sha256=_digest("removed page")),),
    ),
    description.Described(
        fields=msgspec.structs.replace(
            _FIELDS,
            pages_scanned=2,
            location=description_fields.Location(storeroom="3", rack="12", shelf=None),
            language="zh",
            keywords=("土地", "清丈"),
            note=_SEALED,
            text=description_fields.Text(document_number="县政字第12号", folios="1-3"),
        )
    ),
    description.Revised(
        fields=msgspec.structs.replace(
            _FIELDS,
            title=_SEALED,
            parent=None,
            page_count=None,
            record_type=RecordType.IMAGE,
            files=(description_fields.FileRange(first="0001.tif", last="0003.tif"),),
            image=description_fields.Image(photographer=_SEALED, taken="1931-06", negative_number="J-12"),
        ),
        reason="题名有误",
    ),
    description.Moved(
        parent=_id("volume"), reference_code="0001-WS-1931-0021", fonds_code="0001", reason="档号与案卷不符"
    ),
    description.Merged(into=_id("survivor"), reason="同一份文件著录了两次"),
    description.Divided(
        parts=(
            description.Part(
                description=_id("part"),
                reference_code="0001-WS-1931-0012-1",
                files=(description_fields.FileRange(first="0001.tif", last="0002.tif"),),
            ),
            description.Part(description=_id("other part"), reference_code=None, files=()),
        ),
        reason=_SEALED,
    ),
    description.Closed(reason="本卷立毕"),
    reservation.Reserved(code="0001-WS-1931-0012", holder=_id("description")),
    reservation.Released(holder=_id("description"), reason="档号改正"),
    access_request.Requested(packages=(_id("package"),), paths=(), purpose=_SEALED),
    access_request.DipAssembled(
        dip=_id("dip"),
        sources=(
            access_request.DipSource(package=_id("package"), generation=1, version=1, stored_event=_id("stored")),
        ),
        files=9,
        bytes=140_000,
        manifest_sha256=_digest("dip"),
        tagmanifest_sha256=_digest("dip tags"),
    ),
    access_request.DipDelivered(dip=_id("dip"), way="folder"),
    access_request.Closed(outcome="delivered"),
    access_request.FormChosen(description=_id("description"), as_of=None, form="images", pages=(1, 3), width=1_200),
    access_request.DipRendered(
        dip=_id("dip"),
        form="pdf",
        name=_SEALED,
        media_type="application/pdf",
        bytes=140_000,
        sha256=_digest("rendered"),
    ),
    agent.Registered(name="李晓明", kind=agent.AgentKind.PERSON),
    agent.RoleGranted(role=Role.ARCHIVIST),
    agent.RoleRevoked(role=Role.ARCHIVIST, reason="调离"),
    agent.CredentialIssued(credential=_id("credential"), secret_sha256=_digest("secret")),
    agent.ScopesGranted(
        credential=_id("credential"), scopes=("disseminate", "search"), expires="2027-03-01T08:00:00.000000Z"
    ),
    agent.CredentialRevoked(credential=_id("credential"), reason=_SEALED),
    run.Started(kind=run.RunKind.FIXITY, scope="*", target=None),
    run.Progressed(done=500, total=1_000, cursor=str(_id("package"))),
    run.Verified(packages=(_id("package"), _id("p2")), files=46, bytes=352_000),
    run.Finished(outcome=Outcome.PASSED, done=1_000, findings=(), findings_total=0),
    archival_package.AccessStatusChanged(
        status=AccessStatus.CONTROLLED,
        secrecy_class=SecrecyClass.INTERNAL,
        opening_date="2027-01-01",
        controlled_until="2035-06-30",
        ground=Ground.PERSONAL,
        reason=_SEALED,
        way=archival_package.StatusWay.REVIEW,
        review=_id("review"),
        decided_by=(_id("reviewer"), _id("second reviewer"), _id("decider")),
    ),
    archival_package.HoldPlaced(hold=_id("hold"), reason="诉讼未结"),
    archival_package.HoldReleased(hold=_id("hold"), reason="已结案"),
    access_request.UseRegistered(
        reader=_id("reader"),
        capacity=access_request.Capacity.HEIR,
        documents=(reader.Document.IDENTITY_CARD, reader.Document.PROOF_OF_KINSHIP),
        represented=_SEALED,
        requesters=(_id("desk"), _id("principal")),
        channel=access_request.Channel.DESK,
        purpose=access_request.Purpose.PROOF,
        detail=None,
        reply_by="2026-03-15",
    ),
    access_request.Assigned(to=_id("decider")),
    access_request.Granted(
        packages=(_id("package"),),
        paths=("0001.jpg",),
        until="2026-12-31",
        copies=True,
        conditions="不得转借",
        decided_by=(_id("decider"),),
    ),
    access_request.GrantRevoked(reason="发错了人", revoked_by=(_id("decider"),)),
    access_request.Refused(
        ground=Ground.PERSONAL, reason=_SEALED, objection="可在六十日内提出异议", decided_by=(_id("decider"),)
    ),
    access_request.ContentViewed(package=_id("package"), generation=1, version=1, paths=("0001.jpg",), way="screen"),
    access_request.CertificateIssued(
        certificate=_id("certificate"), number="2026-0007", dip=_id("dip"), manifest_sha256=_digest("dip")
    ),
    access_request.CertificateAnnulled(certificate=_id("certificate"), reason="档号写错"),
    access_request.Rated(score=5, comment=None),
    agent.DeputyAppointed(deputy=_id("deputy"), until="2026-04-30"),
    agent.DeputyEnded(deputy=_id("deputy"), reason="提前返岗"),
    reader.Introduced(document=reader.Document.IDENTITY_CARD, name=_SEALED, number=_SEALED, contact=None),
    reader.SubjectKeyDestroyed(
        key=_id("key"),
        legal_basis="个人信息保护法 第四十七条",
        approvers=(_id("approver"), _id("second approver")),
    ),
    opening_review.Proposed(
        rule="term",
        candidates=(opening_review.Candidate(package=_id("package"), revision=0),),
        proposed_by=(_id("proposer"),),
    ),
    opening_review.OpinionGiven(
        reviewer=(_id("reviewer"),),
        control=(opening_review.Control(package=_id("package"), ground=Ground.PERSONAL, until="2035-06-30"),),
        note=None,
    ),
    opening_review.UnitAnswered(
        answer=opening_review.Answer.AGREES, control=(), letter="县政府办函[2026]4号", recorded_by=(_id("proposer"),)
    ),
    opening_review.Decided(
        control=(opening_review.Control(package=_id("package"), ground=Ground.WORK_MATTER, until=None),),
        passed_over=(_id("p2"),),
        decided_by=(_id("decider"),),
    ),
    opening_review.Withdrawn(reason="清单有误"),
    run.Rekeyed(
        keys=(key_ring.KeyAt(key=_id("key"), version=2), key_ring.KeyAt(key=_id("recovery"), version=1)),
        packages=(_id("package"), _id("p2")),
    ),
    run.Shredded(key=_id("key"), packages=(_id("package"),)),
    key_ring.KeyCreated(
        key=_id("key"),
        purpose=key_ring.KeyPurpose.CLASS,
        name="控制",
        kept_by=key_ring.KeptBy.PASSPHRASE,
        public="age1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0sdfmtkl",
        holders=(_id("holder"),),
        threshold=None,
    ),
    key_ring.KeyRotated(
        key=_id("recovery"),
        version=2,
        kept_by=key_ring.KeptBy.SHARES,
        public="age1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0sdfmtkl",
        holders=(_id("holder"), _id("h2"), _id("h3")),
        threshold=2,
        reason="一位保管人离任",
    ),
    key_ring.KeyRetired(key=_id("key"), reason="此类不再收入"),
    key_ring.KeyReinstated(key=_id("key"), reason="停用有误"),
    key_ring.DestructionRequested(
        key=_id("key"),
        version=None,
        reason="鉴定销毁",
        legal_basis="档案法第十六条",
        requested_by=(_id("agent"),),
    ),
    key_ring.DestructionWithdrawn(key=_id("key"), version=1, reason="申请有误"),
    key_ring.DestructionApproved(key=_id("key"), version=None, approved_by=(_id("approver"),)),
    key_ring.KeyDestroyed(key=_id("key"), version=None, records=1_200),
    key_ring.BackedUp(
        backup=_id("backup"),
        copy_of=key_ring.CopyOf.RECORDS,
        place="/备份/密钥记录",
        keys=(key_ring.KeyAt(key=_id("key"), version=1), key_ring.KeyAt(key=_id("recovery"), version=1)),
        files=1_200,
    ),
    key_ring.KeeperChanged(
        kept_by=key_ring.KeptBy.TOKEN, keys=(key_ring.KeyAt(key=_id("key"), version=1),), reason="改由密码机保管"
    ),
    key_ring.BackupRemoved(backup=_id("backup"), deleted=False, reason="光盘已粉碎"),
    key_ring.RecoveryProven(key=_id("recovery"), version=1, shares=2, records=20),
    door.SignedIn(
        entries=(
            door.Entry(
                agent=_id("agent"),
                credential=_id("credential"),
                place="192.0.2.7",
                time="2026-11-25T08:00:00.000000Z",
            ),
        ),
        others=0,
    ),
    door.SignInFailed(
        since="2026-11-25T08:00:00.000000Z",
        until="2026-11-25T08:00:59.000000Z",
        failures=(
            door.Failure(code="credential-unknown", place="192.0.2.7", credential=_id("credential"), count=3),
            door.Failure(code="key-invalid", place=None, credential=None, count=1),
        ),
        others=12,
    ),
    door.Denied(
        since="2026-11-25T08:00:00.000000Z",
        until="2026-11-25T08:00:59.000000Z",
        denials=(
            door.Denial(agent=_id("agent"), on_behalf_of=None, verb="administer", code="not-allowed", count=2),
            door.Denial(agent=_id("a2"), on_behalf_of=_id("agent"), verb="search", code="not-deputy", count=1),
        ),
        others=0,
    ),
    archival_package.Encrypted(
        generation=2,
        suite="age-v1",
        class_key="秘密",
        recipient="age1ptrhuxcg4cjayq9zusrdnagkfy3k08p4a5w23zydg0u8sp5zty8q2mql5p",
        sealed=("title", "description", "digests"),
    ),
    archival_package.Decrypted(generation=3),
    archival_package.Expunged(
        generation=1,
        version=2,
        manifest_sha256="7" * 64,
        tagmanifest_sha256="8" * 64,
        inventory_sha256="9" * 64,
        reason="密级变更",
        removal=_id("removal"),
        approvers=(_id("approver"), _id("second approver")),
    ),
    removal.Proposed(
        kind=removal.RemovalKind.WORDS,
        payloads=(
            removal.Replaced(
                stream=_id("description"), event=_id("event"), position=7, replacement='{"name":"■","kind":"person"}'
            ),
        ),
        packages=(_id("package"),),
        files=(removal.LeftOut(package=_id("package"), path="delivery/目录.csv"),),
        readers=(_id("reader"),),
        legal_basis="个人信息保护法 第四十七条",
        reason="本人申请",
        proposed_by=(_id("proposer"),),
    ),
    removal.Approved(approved_by=(_id("decider"),)),
    removal.Withdrawn(reason="范围有误"),
    removal.Finished(
        payloads=1,
        packages=1,
        files=1,
        readers=1,
        unreached=(removal.Unreached(place="delivered", thing=str(_id("request"))),),
        unreached_total=1,
    ),
    assessment.QualityAssessed(
        delivery=2,
        part=1,
        last=False,
        profiles=(
            assessment.ProfileUsed(name="documents", version=1, sha256=_digest("profile")),
            assessment.ProfileUsed(name="audio", version=2, sha256=_digest("audio")),
        ),
        algorithm=1,
        assessed_by=(_id("receiver"), _id("deputy")),
        columns=(
            assessment.CheckColumn(id="F04", unit="dpi", scale=1),
            assessment.CheckColumn(id="Q01", unit="degree", scale=1000),
            assessment.CheckColumn(id="Q03", unit="components", scale=1),
            assessment.CheckColumn(id="Q12", unit="mm2", scale=1),
        ),
        pages=(
            assessment.JudgedPage(file=1, frame=1, serial=1, checks="prdi", values=(300, -1250, 0, 12)),
            assessment.JudgedPage(file=2, frame=1, serial=None, checks="fan-", values=(72, None, None, None)),
        ),
        report_sha256=_digest("report"),
    ),
    assessment.QualityReviewed(
        delivery=2,
        decision=assessment.Decision.OVERRULE,
        pages=((2, 1),),
        check="F04",
        reason="原件为照片，已核对",
        reviewed_by=(_id("reviewer"),),
    ),
    sampling.SampleDrawn(
        delivery=2,
        part=1,
        parts=1,
        seed="8f14e45fceea167a5a36dedd4bea2543",
        by=sampling.SampleBy.VOLUME,
        percent=5,
        population=60,
        drawn=3,
        units=("J012-7-0001", "J012-7-0017", "J012-7-0044"),
    ),
    sampling.SampleJudged(
        delivery=2,
        unit="J012-7-0017",
        linked=True,
        pages=50,
        faults=(sampling.SampleFault(file=12, reason="字迹缺损"),),
        note="其余清晰",
        judged_by=(_id("reviewer"),),
    ),
    sampling.SampleConcluded(delivery=2, outcome=Outcome.PASSED, units=3, unlinked=0, pages=150, good=149),
    run.VerdictsCompared(
        profile="da-t-31-strict",
        profile_sha256=_digest("profile"),
        algorithm=1,
        packages=2,
        pages=120,
        changes=(
            run.VerdictChange(package=_id("package"), file=2, frame=1, before=("Q01:p",), after=("Q01:r", "Q03:p")),
        ),
    ),
    Annulled(event=_id("event"), position=7, reason="录入错误", approver=_id("approver")),
    PayloadExpunged(
        event=_id("event"),
        position=7,
        approvers=(_id("approver"), _id("second approver")),
        legal_basis="个人信息保护法 第四十七条",
        replacement='{"name":"","kind":"person"}',
    ),
)
_BY_CLASS: Mapping[type[Value], Value] = {type(payload): payload for payload in _PAYLOADS}


def golden_events() -> dict[str, Golden]:
    """One event of every type at its newest schema, by `<Type>.<schema>`, always the same.

    A type that has its file keeps the position that stands there, so that new types may be added anywhere.
    """
    positions = {key: decode_envelope(golden.envelope).position for key, golden in read().items()}
    golden = {}
    for kind in event_types().values():
        key = f"{kind.name}.{kind.schema}"
        position = positions.setdefault(key, max(positions.values(), default=0) + 1)
        golden[key] = _golden(position, kind.name, kind.schema, _BY_CLASS[kind.payload])
    return golden


def _golden(position: int, name: str, schema: int, payload: Value) -> Golden:
    salt = sha256(name.encode()).digest()[:16]
    body = encode(payload)
    envelope = Envelope(
        event_id=_id(name),
        archive="431001" if position % 2 else None,
        position=position,
        stream=_id(name.partition(".")[0]),
        version=position,
        type=name,
        schema=schema,
        recorded_at="2026-03-01T08:00:00.000000Z",
        occurred_at=OccurredAt(time="1931-06-01T00:00:00.000000Z", precision="month", source="paper form"),
        actor=_id("actor"),
        authenticated_by=Authentication(method="credential", session=_id("session"), workplace=None),
        on_behalf_of=None if position % 3 else _id("principal"),
        command_id=_id("command"),
        correlation_id=_id("correlation"),
        causation_id=None if position % 4 else _id("cause"),
        software="jingui/0.1.0",
        payload_sha256=payload_digest(salt, body),
    )
    return Golden(encode(envelope), body, salt)


def read() -> dict[str, Golden]:
    """The golden events as they are stored, of every schema that there ever was."""
    digests = read_digests()
    return {
        key: Golden(
            (FOLDER / f"{key}.envelope.json").read_bytes(),
            (FOLDER / f"{key}.payload.json").read_bytes(),
            bytes.fromhex(digests[key]["salt"]),
        )
        for key in digests
    }


def read_digests() -> dict[str, dict[str, str]]:
    """Salt, payload digest and leaf of every golden event."""
    if not (FOLDER / DIGESTS).exists():
        return {}
    return msgspec.json.decode((FOLDER / DIGESTS).read_bytes(), type=dict[str, dict[str, str]])


def make() -> None:
    """Write the golden events that are missing."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    digests = read_digests()
    for key, golden in golden_events().items():
        if key not in digests:
            (FOLDER / f"{key}.envelope.json").write_bytes(golden.envelope)
            (FOLDER / f"{key}.payload.json").write_bytes(golden.payload)
            digests[key] = golden.digests
    table = msgspec.json.encode(dict(sorted(digests.items())))
    (FOLDER / DIGESTS).write_bytes(msgspec.json.format(table, indent=1) + b"\n")


if __name__ == "__main__":
    make()
