"""Each kind is found in many ways of writing, and what only looks like it is left alone."""

from __future__ import annotations

import pytest

from countersign.detection.detector import Detector

DETECTOR = Detector()

# The text, and in it <kind:value>: each value must be covered whole by hits of that kind.
FOUND = """
Admitted <DATE:2024-03-05>, discharged <DATE:03/09/2024>.
Seen on <DATE:March 5th, 2024> at 14:00.
Seen <DATE:5 March 2024> and again <DATE:12-Mar-24>.
DOB <DATE:1/2/58>, wife's DOB: <DATE:11.02.1961>
Follow-up on <DATE:Tuesday, Apr. 9> please
Geboren am <DATE:3. März 1961>, Aufnahme <DATE:12.04.2023>
Née le <DATE:1er août 1975>, vue le <DATE:14 février 2024>
Nacido el <DATE:12 de marzo de 1980>
Nato il <DATE:7 luglio 1949>
Urodzony <DATE:15 października 1970>
geboren op <DATE:2 mei 1985>
受診日 <DATE:2023年5月12日>
Surgery on <DATE:4/17>, sutures out <DATE:5/1>.
"admissionDate": "<DATE:2023-11-04T08:30:00Z>"
Collected <DATE:20230714>, resulted <DATE:20230715>
MI in <DATE:03/2019>
transferred on the <DATE:3rd of May, 2023>
Labor Day: seen on <DATE:Thanksgiving 2022>
PT eval <DATE:Jan 3-5, 2024>
dob: <DATE:02 Feb 1945>
LMP <DATE:12/24/2023>
He is <AGE90:94> years old.
A <AGE90:101>-year-old woman with sepsis
Pt is a <AGE90:92>yo F with hip fracture
<AGE90:91> y.o. male, lives alone
age: <AGE90:95>
Patient aged <AGE90:97> with dementia
a <AGE90:ninety-three year old> man
<AGE90:93>M with chest pain
Call <PHONE:(212) 555-0147> or <PHONE:212.555.0188>
cell <PHONE:+1 415 555 2671>, work <PHONE:1-800-555-0199 x42>
Phone: <PHONE:5551234567>
Tel. <PHONE:+44 20 7946 0958>
tel: <PHONE:020 7946 0018>
Telefon <PHONE:030 901820>
tél. <PHONE:01 42 68 53 00>
Mobile <PHONE:+61 412 345 678>
Reach me at <PHONE:555-0142>
Telefon: <PHONE:+49 (0)30 123456-78>
WhatsApp <PHONE:+91 98765 43210>
contact number is <PHONE:070-1234 5678>
pager <PHONE:617-555-0123>
Fax: <FAX:(312) 555-0190>
Please fax results to <FAX:312-555-0191>
F: tel <PHONE:312-555-0192> / fax <FAX:312-555-0193>
faxed to <FAX:+1 312 555 0194>
e-mail <EMAIL:jane.doe+clinic@mail.example.co.uk>
write to <EMAIL:o'brien_99@hospital.org>.
contact jdoe [at] example [dot] com is <EMAIL:jdoe [at] example [dot] com>
SSN: <SSN:123-45-6789>
ssn <SSN:078051120>
social security number is <SSN:219 09 9999>
Her social is <SSN:457-55-5462>.
NI number <SSN:AB 12 34 56 C>
SSN (last 4): <SSN:6789>
MRN <MRN:00123456>
MRN#<MRN:A-998877>
Medical Record Number: <MRN:12-34-56>
medical record no. <MRN:MR77123>
Patient ID: <MRN:P0099123>
patient_id=<MRN:88231>
pt id <MRN:7781234>
chart # <MRN:55123>
Hospital number <MRN:K123456>
NHS number <MRN:943 476 5919>
Med Rec # <MRN:CC-789654>
"mrn": "<MRN:55501234>"
Patientennummer <MRN:4711082>
Member ID <HEALTH_PLAN:W123456789>
member id: <HEALTH_PLAN:XYZ 123 456 789>
Medicare number <HEALTH_PLAN:1EG4-TE5-MK73>
MBI: <HEALTH_PLAN:1EG4TE5MK73>
Insurance ID #<HEALTH_PLAN:ABC-998877>
policy number <HEALTH_PLAN:POL-7788-991>
Group #: <HEALTH_PLAN:998877>
subscriber no. <HEALTH_PLAN:88997766>
Medicaid ID <HEALTH_PLAN:AB12345C>
BCBS ID <HEALTH_PLAN:XWP123456789>
Versichertennummer <HEALTH_PLAN:A123456780>
her insurance is <HEALTH_PLAN:HPN-554433>
Account number: <ACCOUNT:000123456789>
acct # <ACCOUNT:99-887766>
bank account <ACCOUNT:12345678>, routing number <ACCOUNT:021000021>
IBAN <IBAN:DE89 3704 0044 0532 0130 00>
Pay from <IBAN:GB82WEST12345698765432> please
card <CARD:4111 1111 1111 1111> exp 12/27
Visa <CARD:4012888888881881>
amex <CARD:378282246310005>
Driver's license <LICENSE:D123-4567-8901>
license number: <LICENSE:RN556677>
NPI <LICENSE:1234567893>
DEA # <LICENSE:AB1234563>
DEA number <LICENSE:BS1234563>
passport no. <LICENSE:X12345678>
medical license <LICENSE:MD-44556>
DL# <LICENSE:S530-4600-8901>
certificate number <LICENSE:CERT-99812>
VIN <VEHICLE:1HGCM82633A004352>
license plate <VEHICLE:7ABC123>
vehicle plate number: <VEHICLE:BXK-4421>
Truck 1M8GDM9AXKP042788 is <VEHICLE:1M8GDM9AXKP042788>
UDI <DEVICE:(01)00844588003288(17)141120(10)7654321D(21)10987654d321>
pacemaker serial number <DEVICE:PM-8876123>
device serial: <DEVICE:SN-99812-A>
S/N <DEVICE:4455667788>
MAC address <DEVICE:00:1A:2B:3C:4D:5E>
IMEI <DEVICE:490154203237518>
Insulin pump SN: <DEVICE:NGP123456H>
see <URL:https://portal.example.com/patients/1234?tab=labs>
at <URL:www.drsmithclinic.com/appointments>
blog <URL:janedoe.blogspot.com>
profile <URL:facebook.com/jane.doe.77>
<URL:ftp://files.example.org/scan.dcm>
IP <IP:10.0.0.12>
from <IP:2001:db8:85a3::8a2e:370:7334> at night
logged in from <IP:203.0.113.77>.
fingerprint ID <BIOMETRIC:FP-99812>
<BIOMETRIC:voiceprint VP-11223> on file
retinal scan <BIOMETRIC:RS-4411-09>
face template id <BIOMETRIC:FT88123>
claim number <UNIQUE_ID:CLM-2024-00981>
encounter <UNIQUE_ID:E00991234>
accession # <UNIQUE_ID:S24-1234>
Case ID: <UNIQUE_ID:C-77812>
study subject <UNIQUE_ID:SUBJ-0042-113>
order no. <UNIQUE_ID:ORD-556677>
specimen <UNIQUE_ID:SP-2291-A>
user <UNIQUE_ID:3f2504e0-4f89-11d3-9a0c-0305e82c3301>
Rx# <UNIQUE_ID:7712345>
confirmation number <UNIQUE_ID:QX7781>
prior auth # <UNIQUE_ID:PA-881234>
lives at <GEO_STREET:123 Maple Street>, <GEO_PLACE:Springfield, IL> <GEO_ZIP:62704>
<GEO_STREET:4500 N. Lake Shore Dr. Apt 12B>, <GEO_PLACE:Chicago, IL> <GEO_ZIP:60640-1234>
mail to <GEO_STREET:P.O. Box 4411>, <GEO_PLACE:Reno, NV> <GEO_ZIP:89501>
home: <GEO_STREET:1600 Pennsylvania Avenue NW>
Adresse: <GEO_STREET:Hauptstraße 12>
wohnt <GEO_STREET:Lindenweg 7a>
habite <GEO_STREET:12 rue de la Paix>
vive en <GEO_STREET:Calle Mayor 25>
abita in <GEO_STREET:Via Garibaldi 14>
ZIP code <GEO_ZIP:94110>
zip: <GEO_ZIP:02139>
postcode <GEO_ZIP:SW1A 1AA>
Postal code <GEO_ZIP:K1A 0B1>
treated at <GEO_PLACE:Mercy General Hospital>
admitted to <GEO_PLACE:St. Mary's Medical Center>
seen at <GEO_PLACE:Johns Hopkins>
lives in <GEO_PLACE:Boise> with family
from <GEO_PLACE:Cook County>
moved from <GEO_PLACE:Guadalajara> last year
Dr. <NAME:Patel> saw the patient
Mrs. <NAME:Okonkwo> called
Patient: <NAME:Smith, John Q.>
patient name: <NAME:Maria Garcia Lopez>
"patient_name": "<NAME:Jane Doe>"
I met <NAME:Jonathan Reyes> yesterday
<NAME:ANDERSON, PATRICIA> was seen
for <NAME:Anna S.>, with MS
Herr <NAME:Müller> und Frau <NAME:Schneider>
signed by <NAME:Priya Raghunathan>
Dear Ms. <NAME:Whitfield>,
last service <DATE:may 27>.
mrn: <MRN:89234-5678>
seen at <GEO_PLACE:Mercy Hospital, ID> <GEO_ZIP:39869-8262>
has <HEALTH_PLAN:Medicare #AB-987654>
lives in <GEO_PLACE:the Bronx>
Results signed by <NAME:Frost>
I spoke with <NAME:Hutchinson> today
Thank you, <NAME:Craig>
A 98-year-old <NAME:Montgomery> fell
Attending: <NAME:Woods>
daughter Dana at <PHONE:5789643186>
call was not answered at <PHONE:(88) 684-334>
not answering at <PHONE:96 237271>
ring me on <PHONE:97 111421> later
<PHONE:9761 9808> office, <PHONE:(044)688-7538x8775> mobile
<PHONE:(69) 948-538>-Office\\,<FAX:636.840.1227>-Fax
<SSN:791872424> is her social
PID|1||<MRN:485381>^^^HOSP^MR||x^^^Boise^ID^<GEO_ZIP:83702>
record 261-72-329 is <MRN:261-72-329>
Re: visit <DATE:20240912>
"dob": "<DATE:2/12>"
randomized <DATE:2/7>
DEA <LICENSE:JZ-178206> expired
pay to <ACCOUNT:AC-1370351> now
api key <API_KEY:sk-proj-abcdEFGH1234ijklMNOP5678qrst>
AWS <API_KEY:AKIAIOSFODNN7EXAMPLE>
token <API_KEY:ghp_abcdefghijklmnopqrstuvwxyz0123456789>
Authorization: Bearer <TOKEN:eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcDEF123_-ghi>
password: <TOKEN:Tr0ub4dor&3>
"""

# Nothing here identifies a person: no hit at all.
CLEAN = """
We sold 1000 2000 home units and 12 345 work hours
Metformin 500 mg twice daily, increase to 1000 mg BID after 2 weeks.
BP 128/76, HR 88, T 98.6 F, RR 16, SpO2 97% on 2 L NC.
Na 139, K 4.1, Cl 102, CO2 24, BUN 18, Cr 1.2, glucose 104.
ICD-10 E11.9, I10 and Z79.4; CPT 99214, 93000.
What does HCPCS J1885 cover?
LOINC 4548-4 and SNOMED CT 44054006 map to what?
NDC 0002-8215-01 for insulin
Trial NCT01234567 enrolled 1200 patients.
PMID 31234567 supports it.
The 2023 ACC/AHA guideline recommends a statin.
A 45-year-old man with type 2 diabetes since 2015.
In the 1990s mortality was 12%.
Is a PHQ-9 of 14/27 moderate?
Apgar 8/9 at 1 and 5 minutes.
Strength 5/5 in all extremities, reflexes 2+.
Visual acuity 20/40 OD, 20/25 OS.
Take 1/2 tablet daily for 7 days.
2/6 systolic murmur at the apex
Pain 7/10 at rest, 3/10 after morphine.
GCS 14/15 on arrival
Gleason 3+4=7, PSA 8.2
Ratio of 3/4 in the control arm
Python 3.11.7 with Django 5.2.19
Upgrade from v1.2.3.4 to 2.0
Use TLS 1.3 and port 8443.
Explain RFC 9110 section 15.5
Platelets 250000, WBC 12,500, viral load 1250000 copies/mL
Troponin 0.04 ng/mL, BNP 1200 pg/mL
Infuse 125 mL/hr for 8 hours, total 1000 mL
Graves disease, Hashimoto thyroiditis, Parkinson disease and Crohn's disease
Foley catheter, Swan-Ganz, Babinski negative, Murphy sign positive
Wells score, Ranson criteria, Glasgow Coma Scale, Framingham risk
Kaplan-Meier curve and Cox regression
Compare apixaban with warfarin for atrial fibrillation.
Write a discharge summary template for heart failure.
What is the differential for chest pain in a young athlete?
The hospital should buy a new MRI scanner.
Our clinic sees many patients with asthma.
Which states have telehealth parity laws? Texas, California, New York?
How common is malaria in Kenya and Brazil?
The American Heart Association and the CDC publish guidelines.
CHA2DS2-VASc score of 4, HAS-BLED 2
HbA1c fell from 9.1% to 7.2% over 6 months.
QTc 460 ms, PR 180 ms, EF 55%
Give 0.3 mg epinephrine IM 1:1000.
Patients over 65 years, follow-up of 5 years
Survival at 90 days was 85%, at 120 days 80%.
Dose 90 mg/m2 on days 1, 8, 15
95% CI 0.82-1.14, p = 0.03
Score >90 indicates normal function
The trial ran for 96 weeks with 95 patients per arm.
gene BRCA1, variant c.5266dupC, rs80357906
IL-6, CD4 count 350, HER2 positive, KRAS G12C
COVID-19 vaccine, SARS-CoV-2, H1N1
vitamin B12 1000 mcg, D3 5000 IU
Phase 3 trial, group 2 pulmonary hypertension, class III obesity, stage 4 CKD
Which case-control study design is best?
The account of the patient was consistent.
Explain how insurance plans cover dialysis.
What is a medical record number?
List the HIPAA identifiers: names, phone numbers, SSN, MRN, email addresses.
Explain the policy on fax use and phone triage.
What does the plan say about member appeals?
type 2 may benefit from metformin
Patients in march pace training for 12 weeks
She may 2 weeks later need dialysis.
Vital signs stable; continue current management.
Repeat the MRI in 3 months.
Grade 3/4 neutropenia in 12/48 patients
q4-6h prn, max 8/day, refills 3
lactated Ringer's 1 L bolus, then D5W at 75
A1c 8.2, LDL 130, HDL 45, TG 150
Child-Pugh B, MELD 18, ASA 3, ECOG 1
T1N0M0, ER+/PR+, Ki-67 20%
{"model": "gpt-4o", "temperature": 0.2, "max_tokens": 512}
def area(r): return 3.14159 * r ** 2
SELECT count(*) FROM visits WHERE year = 2023
My password policy requires 12 characters.
How do I rotate an API key safely?
Temp 99F, weight 95 kg, height 178 cm
Order of operations in sepsis: fluids first.
Serial troponins every 3 hours
The device is a pacemaker of the latest generation.
certificate of need laws in the US
Which vehicle is best for wheelchair users?
one hundred years of insulin
Discuss with Parkinson disease groups; compare by Cockcroft-Gault and Kaplan-Meier.
Treated with Humira, improved by Duke criteria
Strength improved 4/5, graded 3/6 murmur
Scored 12/30 on MoCA and rated 8/10
"""


def marked(line):
    """The plain text of a line, and its spans."""
    text, spans, at = "", [], 0
    while (start := line.find("<", at)) >= 0 and line[start + 1 : start + 2].isupper():
        colon, end = line.index(":", start), line.index(">", start)
        text += line[at:start]
        value = line[colon + 1 : end]
        spans.append((len(text), len(text) + len(value), line[start + 1 : colon]))
        text += value
        at = end + 1
    return text + line[at:], spans


@pytest.mark.parametrize("line", FOUND.strip().split("\n"))
def test_an_identifier_is_found_whole_and_by_its_kind(line):
    text, spans = marked(line)
    hits = DETECTOR.detect(text)
    for start, end, kind in spans:
        over = [hit for hit in hits if hit.start < end and start < hit.end]
        covered = {place for hit in over for place in range(hit.start, hit.end)}
        assert {place for place in range(start, end) if text[place].isalnum()} <= covered
        assert kind in {hit.kind for hit in over}


@pytest.mark.parametrize("text", CLEAN.strip().split("\n"))
def test_what_identifies_nobody_is_left_alone(text):
    assert DETECTOR.detect(text) == []
