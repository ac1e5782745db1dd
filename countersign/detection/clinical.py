"""Abbreviations, units and drugs that stand in clinical prompts and identify nobody."""

from __future__ import annotations

from countersign.detection.words import word_set

UNITS = word_set(
    """
    mg mcg ug µg ng pg g kg ml dl l cl iu u units meq mmol mol µmol umol nmol pmol osm mosm cm
    mm m km in ft lb lbs oz kcal cal kj j hz khz mhz bpm mmhg cmh2o torr kpa hr hrs h min mins
    sec s ms wk wks mo mos yr yrs yo d day days % mg/dl g/dl mg/kg mcg/kg ml/min ml/hr l/min
    mmol/l meq/l u/l iu/l ng/ml pg/ml mcg/min kg/m2 mg/m2 /hpf x k gb mb kb tb f c w v a gy
    cgy rad msv sv fr ga french gauge mg/day mg/l mg/ml g/l ml/kg units/kg units/hr cells/µl
    copies/ml log10 nmol/l µg/l µg/dl ug/dl
    """
)

ABBREVIATIONS = word_set(
    """
    mrn ssn dob dos npi dea vin udi sn zip a1c aaa abg abi abx ac ace acei acl acs acth ad ada
    adc adhd adl adls adr af afib afb aha ahi ai aids aki alk allo alp als alt ama ami aml ams
    ana anc angio aox aox3 ap api aptt arb ards arf as asa asap ascvd asd ast atn av avm avr
    bal bbb bcc bcp bfp bid bilat bipap bka bls bm bmi bmp bmt bnp bp bph bpm brca bs bsa bun
    bx c/o ca cabg cad caths cbc cbt cc cch cd4 cdc cdiff cea cf chads2 cha2ds2 vasc chf chol
    ci ck ckd cll cmp cms cmv cn cns co co2 copd covid covid-19 cp cpap cpk cpr cr crcl crp
    crrt cs csf ct cta cva cvc cvd cvp cxr d/c d5w da dash das28 dbp dc dcis dexa dh dic dka
    dlbcl dm dmard dme dnr do doac doe dr dre dsm dtr dtrs dvt dw dx dxa ebl ebv ecg echo ecmo
    ecog ed ef eeg egd egfr ehr ekg elisa em emg emr ems ent eom eomi ep epo er ercp esbl esr
    esrd est etoh etiol evd fbs fda fdg fena fev1 fevi ffp fh fhx fio2 fish flu fna fob fobt
    fsh ft4 fu f/u fup fvc fx g6pd gad gbm gbs gcs gcsf gdm gerd gfr ggt gi gist gle glp glp-1
    gn gtt gu gusto gvhd gyn h/o hbv hba1c hbsag hcc hcg hct hctz hcv hdl heent hep her2 hf
    hfpef hfref hg hgb hhs hib hida hipaa hit hiv hla hld hmg hnp hob hpi hpv hr hrt hs hsv ht
    htn hus hx ibd ibs icd icp icu id ida igg igm ii iii il ild im imp imrt inf inr iop ipf
    irb iud iui iv ivc ivf ivig ivp jama jia jnc jp jvd jvp kdigo kub lad lap lbbb lbp ldh ldl
    le les lfts lft lh lle llq lma lmp lmwh loc los lp lsd lue luq lv lvad lvef lvh mac map
    mcv mdd mdi mdr mds meds meld men mg mgus mi mic mmr mmse mnd moca mr mra mrcp mri mrsa ms
    mssa mtx mva mvp nafld nash nasal nc ncs neuro ng ngt nice nicu nidus nih nihss nkda nmda
    nms noac npo nph nsaid nsaids nsclc nsr nstemi nt nte nv nyha o2 ob obgyn ocd ocp od ogtt
    om oob or orif os osa otc ot ou pac paco2 pad pah pap pc pca pcn pcos pcp pcr pcwp pd pda
    pe peep peg pef perrla pet pfo pft pfts ph phq phq-9 picc pid pjp pka pkd pkt plt pmh pmhx
    pms pna pnd po pod pos post postop post-op ppd ppi ppm pr prbc prep prn pre-op preop psa
    psg psh psvt pt pta ptca pth ptsd ptt pud puva pv pvc pvd pvr q qam qd qhs qid qod qpm qt
    qtc r ra rbbb rbc rbcs rca rcc rct rcts rdw rf rfa rhd ria rle rlq rn rna ro ros rom rpr
    rr rrr rsv rt rue ruq rv rvh rx rxn sa sah sbo sbp sc scc scd scid sclc se sgi sgot sgpt
    sglt2 sh shx si siadh sibo sids sirs sle snri sob soc sp s/p spf spo2 sq ssri ssris st std
    stds stemi sti subq svc svr svt sx t1dm t2dm t3 t4 tabs tab tah tavr tb tbi tbsa tca td
    tdap tee ten tens tft tfts tg thr tia tibc tid tips tka tkr tlc tmj tnf tnm to tpa tpn tr
    trach tsh tte ttp tts tur turbt turp tx txa ua ubw uc ue ufh uri us usg uti utis uv vac
    vap vas vats vbg vcd vdrl vf vfib vit vitals vl vldl vp vre vs vt vte vtach vwd w/ w/o wbc
    wbcs wnl who xr xrt yo y/o zpak ai llm gpt api json html python sql cpt hcpcs soap sbar
    """
)

DRUGS = word_set(
    """
    acetaminophen albuterol alprazolam amiodarone amitriptyline amlodipine amoxicillin
    ampicillin apixaban aripiprazole aspirin atenolol azithromycin baclofen benazepril
    bisoprolol botox bupropion buspirone carbamazepine carvedilol cefazolin ceftriaxone
    celecoxib cephalexin cetirizine ciprofloxacin citalopram clindamycin clonazepam clonidine
    clopidogrel clozapine colchicine cyclobenzaprine dabigatran dapagliflozin denosumab
    dexamethasone diazepam diclofenac digoxin diltiazem diphenhydramine donepezil doxycycline
    dulaglutide duloxetine edoxaban eliquis empagliflozin enalapril enbrel enoxaparin
    epinephrine erythromycin escitalopram esomeprazole estradiol ezetimibe famotidine fentanyl
    finasteride fluconazole fluoxetine fluticasone folate furosemide gabapentin gentamicin
    glargine glipizide glyburide haloperidol heparin humira hydralazine hydrochlorothiazide
    hydrocodone hydrocortisone hydroxychloroquine hydroxyzine ibuprofen insulin ipratropium
    irbesartan ketamine ketorolac labetalol lamotrigine lansoprazole lantus latanoprost
    leflunomide levetiracetam levodopa levofloxacin levothyroxine lipitor liraglutide
    lisinopril lithium loperamide loratadine lorazepam losartan meloxicam memantine meropenem
    metformin methadone methotrexate methylprednisolone metoclopramide metoprolol
    metronidazole midazolam mirtazapine montelukast morphine mycophenolate naloxone naproxen
    nifedipine nitrofurantoin nitroglycerin norepinephrine nortriptyline olanzapine omeprazole
    ondansetron oxycodone ozempic pantoprazole paroxetine penicillin phenytoin pioglitazone
    piperacillin prasugrel pravastatin prednisolone prednisone pregabalin propofol propranolol
    quetiapine ramipril ranitidine risperidone rivaroxaban rosuvastatin sacubitril semaglutide
    sertraline sildenafil simvastatin sitagliptin spironolactone sumatriptan tacrolimus
    tamoxifen tamsulosin tazobactam telmisartan ticagrelor tirzepatide topiramate torsemide
    tramadol trazodone turmeric tylenol valacyclovir valproate valsartan vancomycin
    venlafaxine verapamil warfarin xarelto zofran zoloft zolpidem
    """
)

# Endings of generic names. Source: the stems of the WHO's International Nonproprietary Names.
DRUG_ENDINGS = (
    "mab",
    "nib",
    "pril",
    "sartan",
    "statin",
    "olol",
    "azole",
    "cillin",
    "mycin",
    "floxacin",
    "cycline",
    "prazole",
    "tidine",
    "setron",
    "triptan",
    "gliptin",
    "gliflozin",
    "glutide",
    "parin",
    "xaban",
    "gatran",
    "dipine",
    "zepam",
    "zolam",
    "caine",
    "sone",
    "solone",
    "onide",
    "terol",
    "tropium",
    "phylline",
    "lukast",
    "vir",
    "virine",
    "tinib",
    "ciclib",
    "rafenib",
    "platin",
    "taxel",
    "rubicin",
    "trexate",
    "fenac",
    "profen",
    "coxib",
    "oxetine",
    "faxine",
    "azine",
    "apine",
    "idone",
    "piprazole",
    "barbital",
    "toin",
    "gabalin",
    "thiazide",
    "semide",
    "lactone",
    "dronate",
    "dronic",
    "fibrate",
    "stigmine",
    "curonium",
    "itis",
    "osis",
    "emia",
    "ectomy",
    "ostomy",
    "oscopy",
    "plasty",
    "pathy",
    "algia",
    "uria",
    "megaly",
    "trophy",
    "plegia",
    "paresis",
    "oma",
    "genic",
    "lysis",
    "therapy",
    "graphy",
)
