-- Statements of the exercise's requests while its clock runs. Values are parameters.

-- runs --
SELECT cop.running_clock() IS NOT NULL;

-- asking --
SELECT set_config('cop.actor', 'exercise', true), set_config('cop.cause', %(story)s, true),
       set_config('cop.scenario_at', 'live', true);

-- incident_of --
SELECT id FROM layer.incidents WHERE source = %(source)s AND source_ref = %(ref)s AND message_status = 'exercise';

-- ask --
-- The request lies where its incident lies in the store.
INSERT INTO layer.requests
SELECT r.* FROM layer.incidents AS i CROSS JOIN LATERAL jsonb_populate_record(NULL::layer.requests, %(values)s::jsonb
    || jsonb_build_object('incident', i.id, 'geom', i.geom::text, 'district', i.district,
                          'position_released', i.position_released)) AS r
 WHERE i.id = %(incident)s ON CONFLICT DO NOTHING;

-- answer --
-- What somebody has acknowledged or answered already stays.
UPDATE layer.requests AS t
   SET acknowledged_at = coalesce(t.acknowledged_at, n.acknowledged_at),
       acknowledged_by_role = coalesce(t.acknowledged_by_role, n.acknowledged_by_role),
       answered_at = coalesce(t.answered_at, n.answered_at), answer = coalesce(t.answer, n.answer)
  FROM jsonb_populate_record(NULL::layer.requests, %(values)s) AS n
 WHERE t.id = %(id)s AND ((t.acknowledged_at IS NULL AND n.acknowledged_at IS NOT NULL)
                       OR (t.answered_at IS NULL AND n.answered_at IS NOT NULL));
