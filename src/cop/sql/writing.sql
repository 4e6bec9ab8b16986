-- Writes of the API, each statement a part of one transaction of the app role.

-- look --
-- Whose eyes this transaction looks through, who acts, why, and by which clock; ends with the transaction. Braces: one
-- message begins it.
BEGIN; SELECT set_config('cop.visible', {visible}, true), set_config('cop.actor', {actor}, true),
       set_config('cop.cause', {cause}, true), set_config('cop.request', {request}, true),
       set_config('cop.role', {role}, true), set_config('cop.department', {department}, true),
       set_config('cop.scenario_at', {clock}, true);

-- clock --
SELECT cop.clock(%(mode)s);

-- district --
SELECT cop.district_of(ST_SetSRID(%(geometry)s::text::geometry, 4326));

-- lock --
SELECT record, seq FROM cop.lock_feature(%(layer)s, %(id)s);

-- write --
SELECT cop.write_feature(%(layer)s, %(id)s, %(values)s);

-- lock_parent --
SELECT record, seq FROM cop.lock_parent(%(layer)s, %(id)s, %(column)s, %(parent)s);

-- write_parent --
SELECT cop.write_parent(%(layer)s, %(id)s, %(column)s, %(parent)s, %(values)s);

-- withdraw --
SELECT cop.withdraw_feature(%(layer)s, %(id)s);

-- value_before --
SELECT cop.value_before(%(layer)s, %(id)s, %(column)s);

-- twin --
SELECT cop.twin_of(%(layer)s, %(numbers)s, %(into)s, %(given)s, %(apart)s);

-- tick --
SELECT cop.tick(%(rows)s);

-- number --
-- Number what was written: from here to the commit the head is held.
SET CONSTRAINTS ALL IMMEDIATE;

-- recall --
SELECT asked, status, headers, body FROM cop.recall_answer(%(principal)s, %(key)s);

-- keep --
SELECT cop.keep_answer(%(principal)s, %(key)s, %(asked)s, %(status)s, %(headers)s, %(body)s);
