"""What a field holds, told by its name: in JSON of applications, CSV, forms and tool calls."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

# Names without case, underscores and hyphens. Words that are also a protocol's own ("name", "id",
# "address", "user") are left out: detection reads their text instead.
_NAMES: Mapping[str, str] = {
    "NAME": """firstname lastname surname familyname givenname givennames middlename maidenname
        forename fullname patientname membername subscribername insuredname guardianname
        contactname emergencycontact emergencycontactname nextofkin nextofkinname mothersmaidenname
        mothermaidenname spousename relativename employername physicianname doctorname
        providername attendingphysician referringphysician nurse nursename caregivername
        holdername cardholder cardholdername accountholder accountname beneficiaryname
        responsibleparty patientfirstname patientlastname patientfirst patientlast
        patientfullname legalname preferredname nickname fname lname mname alias""",
    "GEO_STREET": """street streetaddress streetname streetline addressline addressline1
        addressline2 address1 address2 line1 line2 homeaddress mailingaddress patientaddress
        billingaddress shippingaddress residence apartment pobox""",
    "GEO_PLACE": """city town village county parish district suburb municipality birthplace
        placeofbirth hometown precinct""",
    "GEO_ZIP": "zip zipcode postalcode postcode postal zip5 zip9 zipplus4",
    "DATE": """dob dateofbirth birthdate birthday birthdt patientdob dateofdeath deathdate
        deceaseddate admissiondate admitdate dischargedate dateofadmission dateofdischarge
        dateofservice servicedate servicedt appointmentdate visitdate encounterdate proceduredate
        surgerydate collectiondate specimendate admittedat dischargedat birthtime""",
    "PHONE": """phone phonenumber telephone telephonenumber mobile mobilenumber mobilephone
        cell cellphone cellnumber homephone workphone dayphone tel telno phoneno phonehome
        phonework patientphone contactnumber contactphone pager""",
    "FAX": "fax faxnumber faxno homefax workfax",
    "EMAIL": "email emailaddress mail emailaddr patientemail contactemail useremail",
    "SSN": """ssn socialsecurity socialsecuritynumber ssnnumber socialsecurityno ss patientssn
        taxid tin itin""",
    "MRN": """mrn medicalrecordnumber medicalrecord medicalrecordno patientid patientnumber
        patientno patid chartnumber chartno hospitalnumber nhsnumber empi empiid pid
        recordnumber enterpriseid patientidentifier""",
    "HEALTH_PLAN": """memberid memberno membernumber subscriberid subscribernumber policynumber
        policyno insuranceid insurancenumber healthplanid healthplannumber beneficiaryid
        beneficiarynumber medicareid medicarenumber medicaidid medicaidnumber mbi hicn
        groupnumber planid planmemberid insurancepolicynumber""",
    "ACCOUNT": """accountnumber accountno acct acctno acctnumber bankaccount bankaccountnumber
        routingnumber financialaccount billingaccount visitnumber csn encounternumber
        patientaccountnumber accountid har""",
    "CARD": """cardnumber creditcard creditcardnumber ccnumber pan debitcard debitcardnumber
        cardno""",
    "IBAN": "iban ibannumber",
    "LICENSE": """licensenumber licenseno licensenum driverlicense driverslicense dl dlnumber
        driverslicensenumber driverlicensenumber dea deanumber certificatenumber npi npinumber
        medicallicense passport passportnumber passportno""",
    "VEHICLE": """vin vehicleid vehicleidentificationnumber licenseplate platenumber plate
        registrationplate vehicleplate""",
    "DEVICE": """deviceid deviceserial deviceserialnumber serialnumber serialno udi
        deviceidentifier implantserial imei macaddress meid lotnumber""",
    "URL": "website homepage profileurl personalwebsite webpage",
    "IP": "ip ipaddress ipv4 ipv6 clientip remoteip remoteaddr ipaddr sourceip",
    "BIOMETRIC": "fingerprint faceprint voiceprint retina iris biometric biometricid",
    "UNIQUE_ID": """uniqueid uniqueidentifier nationalid nationalidnumber personid studentid
        employeeid employeenumber caseid casenumber accession accessionnumber specimenid
        prescriptionnumber rxnumber studyid subjectid trialid orderid claimnumber claimid
        referralnumber authorizationnumber""",
    "TOKEN": """password passwd pwd secret accesstoken refreshtoken authtoken bearertoken
        clientsecret sessiontoken sessioncookie""",
    "API_KEY": "apikey secretkey privatekeypassword",
    "PRIVATE_KEY": "privatekey privatekeypem",
}
# Names that say what they hold only where the field stands in a record of an application, as a
# column or a form's field, and not in the frame of a protocol.
_RECORD_NAMES: Mapping[str, str] = {
    "NAME": "name patient member subscriber guardian physician doctor provider first last family",
    "GEO_STREET": "address addr",
    "UNIQUE_ID": "identifier",
}
_SEPARATORS = re.compile(r"[\s_.\-/]+")


def _by_name(table: Mapping[str, str]) -> dict[str, str]:
    return {name: kind for kind, names in table.items() for name in names.split()}


_KINDS = _by_name(_NAMES)
_RECORD_KINDS = _KINDS | _by_name(_RECORD_NAMES)


@lru_cache(maxsize=4096)
def kind_of(name: str, *, record: bool = False) -> str | None:
    """The kind that a field of this name holds; None where the name does not say.

    `record`: the field belongs to a record (a table's row, a form), where "name" is a person's.
    """
    if len(name) > 64:
        return None
    plain = _SEPARATORS.sub("", name).lower()
    return (_RECORD_KINDS if record else _KINDS).get(plain)
